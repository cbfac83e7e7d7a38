-- Our share of a capture, in hundredths of a percent, as it was when the payment was authorized; null: the payment is
-- older than this.
ALTER TABLE merchant_payment ADD COLUMN IF NOT EXISTS fee_basis_points INT;
