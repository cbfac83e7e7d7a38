#include "payments/payment_json.h"

#include <charconv>

#include "platform/base/json_text.h"

namespace florin::payments {
namespace {

/// Writes one JSON object, field by field.
class ObjectWriter {
public:
    explicit ObjectWriter(std::string& out) : out_(out) { out_ += '{'; }

    ObjectWriter& text(std::string_view name, std::string_view value) {
        key(name);
        append_json_string(out_, value);
        return *this;
    }
    ObjectWriter& text_or_null(std::string_view name, std::string_view value) {
        if (!value.empty()) return text(name, value);
        key(name);
        out_ += "null";
        return *this;
    }
    ObjectWriter& number(std::string_view name, std::int64_t value) {
        key(name);
        char digits[24];
        out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
        return *this;
    }
    ObjectWriter& id(std::string_view name, const Uuid& value) {
        key(name);
        out_ += '"';
        value.append_to(out_);
        out_ += '"';
        return *this;
    }
    ObjectWriter& instant(std::string_view name, Instant value) {
        key(name);
        out_ += '"';
        append_rfc3339(out_, unix_us(value));
        out_ += '"';
        return *this;
    }
    /// What follows writes the value itself.
    std::string& value(std::string_view name) {
        key(name);
        return out_;
    }
    void close() { out_ += '}'; }

private:
    void key(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        out_ += '"';
        out_ += name;
        out_ += "\":";
    }

    std::string& out_;
    bool first_ = true;
};

template <class Range, class Each>
void append_array(std::string& out, const Range& items, Each each) {
    out += '[';
    bool first = true;
    for (const auto& item : items) {
        if (!first) out += ',';
        first = false;
        each(item);
    }
    out += ']';
}

void append_entries(std::string& out, const std::vector<ledger::Entry>& entries) {
    append_array(out, entries, [&out](const ledger::Entry& entry) {
        ObjectWriter object(out);
        object.text("debitAccount", ledger::name_of(entry.debit))
            .text("creditAccount", ledger::name_of(entry.credit))
            .number("amount", entry.amount)
            .close();
    });
}

void write_payment(ObjectWriter& object, const Payment& payment) {
    object.id("paymentId", payment.id)
        .text("merchantId", payment.merchant)
        .text("status", name_of(payment.state))
        .number("amount", payment.amount)
        .text("currency", payment.currency.code())
        .number("capturedAmount", payment.captured)
        .number("refundedAmount", payment.refunded)
        .instant("createdAt", payment.requested_at)
        .instant("updatedAt", payment.updated_at)
        .text_or_null("approvalNumber", payment.approval_number)
        .text_or_null("transactionId", payment.gateway_reference)
        .text_or_null("failureCode", payment.failure_code)
        .text_or_null("failureMessage", payment.failure_message);
}

std::string_view message_of(Operation operation, const Payment& payment) {
    const bool under_way = is_under_way(payment.state);
    switch (operation) {
        case Operation::Authorize:
            return under_way ? "Authorization requested" : "Payment authorized successfully";
        case Operation::Capture:
            return under_way ? "Capture requested" : "Payment captured successfully";
        case Operation::Refund:
            return under_way ? "Refund requested" : "Payment refunded successfully";
        case Operation::Void:
            return under_way ? "Void requested" : "Payment voided successfully";
    }
    return {};
}

}  // namespace

std::string payment_json(Operation operation, const Payment& payment,
                         const std::vector<ledger::Entry>& entries) {
    std::string out;
    out.reserve(640);
    ObjectWriter object(out);
    write_payment(object, payment);
    append_entries(object.value("ledgerEntries"), entries);
    object.text("message", message_of(operation, payment)).close();
    return out;
}

std::string payment_details_json(const Payment& payment, const std::vector<Step>& steps,
                                 const std::vector<ledger::Entry>& entries) {
    std::string out;
    ObjectWriter object(out);
    write_payment(object, payment);
    append_entries(object.value("ledgerEntries"), entries);
    append_array(object.value("history"), steps, [&out](const Step& step) {
        ObjectWriter line(out);
        line.number("version", step.version)
            .text("status", name_of(step.state))
            .number("amount", step.amount)
            .instant("at", step.at)
            .text("detail", step.detail)
            .close();
    });
    object.close();
    return out;
}

std::string payments_json(const PaymentPage& page) {
    std::string out;
    ObjectWriter object(out);
    append_array(object.value("payments"), page.payments, [&out](const Payment& payment) {
        ObjectWriter item(out);
        write_payment(item, payment);
        item.close();
    });
    object.text_or_null("nextCursor", page.next ? text_of(*page.next) : std::string()).close();
    return out;
}

std::string error_json(std::string_view code, std::string_view message,
                       const std::optional<Uuid>& payment) {
    std::string out;
    ObjectWriter object(out);
    object.text("code", code)
        .text("message", message)
        .text_or_null("paymentId", payment ? payment->text() : std::string())
        .close();
    return out;
}

std::string invalid_request_json(const std::vector<FieldComplaint>& complaints) {
    std::string message = "The request is not valid:";
    for (const auto& complaint : complaints) {
        message += complaint.field.empty() ? " " : " " + complaint.field + " ";
        message += complaint.message + ";";
    }
    message.pop_back();
    std::string out;
    ObjectWriter object(out);
    object.text("code", "INVALID_REQUEST").text("message", message).text_or_null("paymentId", {});
    append_array(object.value("errors"), complaints, [&out](const FieldComplaint& complaint) {
        ObjectWriter item(out);
        item.text("field", complaint.field).text("message", complaint.message).close();
    });
    object.close();
    return out;
}

std::string event_data_json(const Payment& payment, std::int64_t amount) {
    std::string out;
    out.reserve(420);
    ObjectWriter object(out);
    object.id("paymentId", payment.id)
        .text("merchantId", payment.merchant)
        .text("status", name_of(payment.state))
        .number("amount", amount)
        .text("currency", payment.currency.code())
        .number("capturedAmount", payment.captured)
        .number("refundedAmount", payment.refunded)
        .text("approvalNumber", payment.approval_number)
        .text("transactionId", payment.gateway_reference);
    if (!payment.reason.empty()) object.text("reason", payment.reason);
    if (!payment.failure_code.empty()) object.text("failureCode", payment.failure_code);
    object.instant("occurredAt", payment.updated_at).close();
    return out;
}

}  // namespace florin::payments
