"""What OpenAPI cannot say: an idempotency key in the header and one in the body must be the same."""
import re

import schemathesis

HEADER = re.compile(r"[ -~]{0,64}")
BODY = re.compile(r"(?=.*[^ ])[^\x00-\x1f\x7f]{1,64}")
FITS_A_HEADER = re.compile(r"[!-~]([ -~]*[!-~])?")


@schemathesis.hook
def before_call(context, case, kwargs):
    header = (case.headers or {}).get("Idempotency-Key")
    key = case.body.get("idempotencyKey") if isinstance(case.body, dict) else None
    if header is not None and key is None and case.operation.path == "/payments/authorize":
        del case.headers["Idempotency-Key"]  # so that a key that is missing is missing
    if not isinstance(header, str) or not isinstance(key, str):
        return
    if not HEADER.fullmatch(header) or not BODY.fullmatch(key):
        return  # what is wrong stays wrong
    if FITS_A_HEADER.fullmatch(key):
        case.headers["Idempotency-Key"] = key
    else:
        del case.headers["Idempotency-Key"]
