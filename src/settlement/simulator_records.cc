#include "settlement/simulator_records.h"

#include <utility>

#include "platform/grpc/channel.h"
#include "platform/runtime/run_on.h"
#include "proto/payment/v1/payment.pb.h"

namespace florin::settlement {
namespace {

namespace pb = ::payment::v1;

constexpr std::string_view list_path = "/payment.v1.PaymentService/ListPayments";
constexpr int page_size = 100;

GatewayRecord::Standing standing_of(pb::PaymentStatus status) {
    if (status == pb::PAYMENT_STATUS_COMPLETED) return GatewayRecord::Standing::Paid;
    if (status == pb::PAYMENT_STATUS_REFUNDED) return GatewayRecord::Standing::GivenBack;
    const bool failed = status == pb::PAYMENT_STATUS_FAILED ||
                        status == pb::PAYMENT_STATUS_CANCELLED ||
                        status == pb::PAYMENT_STATUS_EXPIRED;
    return failed ? GatewayRecord::Standing::Failed : GatewayRecord::Standing::Open;
}

std::expected<GatewayRecord, std::string> record_of(const pb::Payment& payment) {
    const auto currency = Currency::parse(payment.amount().currency());
    if (!currency) {
        return std::unexpected("the gateway's payment " + payment.payment_intent_id() +
                               " has no currency");
    }
    const auto& created = payment.created_at();
    return GatewayRecord{
        .reference = payment.payment_intent_id(),
        .payment = parse_uuid(payment.reservation_id()),
        .amount = {payment.amount().amount(), *currency},
        .standing = standing_of(payment.status()),
        .at = instant_from_unix_us(created.seconds() * 1'000'000 + created.nanos() / 1'000)};
}

}  // namespace

/// The calls themselves, on the channel's loop.
class SimulatorRecords::Client {
public:
    Client(runtime::Loop& loop, grpc::ChannelOptions address, Milliseconds deadline)
        : channel_(loop, std::move(address)), deadline_(deadline) {}

    awaitable<std::expected<GatewayRecordPage, std::string>> page(std::string merchant,
                                                                  std::string next) {
        pb::ListPaymentsRequest request;
        request.set_user_id(std::move(merchant));
        request.mutable_pagination()->set_page_size(page_size);
        request.mutable_pagination()->set_cursor(std::move(next));
        grpc::CallOptions options;
        options.deadline = deadline_;
        const auto listed = co_await channel_.call<pb::ListPaymentsResponse>(list_path, request,
                                                                             std::move(options));
        if (!listed) co_return std::unexpected(listed.error().message);
        GatewayRecordPage page;
        for (const auto& payment : listed->payments()) {
            auto record = record_of(payment);
            if (!record) co_return std::unexpected(std::move(record.error()));
            page.records.push_back(*std::move(record));
        }
        if (listed->page_info().has_next_page()) page.next = listed->page_info().next_cursor();
        co_return page;
    }

private:
    grpc::Channel channel_;
    const Milliseconds deadline_;
};

SimulatorRecords::SimulatorRecords(runtime::Loop& loop, grpc::ChannelOptions address,
                                   Milliseconds deadline)
    : loop_(loop), client_(std::make_unique<Client>(loop, std::move(address), deadline)) {}

SimulatorRecords::~SimulatorRecords() = default;

awaitable<std::expected<GatewayRecordPage, std::string>> SimulatorRecords::page(
    std::string merchant, std::string next) {
    co_return co_await runtime::run_on(loop_, client_->page(std::move(merchant), std::move(next)));
}

}  // namespace florin::settlement
