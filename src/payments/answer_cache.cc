#include "payments/answer_cache.h"

#include <algorithm>
#include <charconv>

#include "platform/base/require.h"
#include "platform/crypto/hmac.h"

namespace florin::payments {
namespace {

constexpr store::Sql identity_sql("SELECT id FROM database_identity");

/// Answers that are kept for ever are cached for so long: a miss only costs a look into the store.
constexpr Milliseconds longest = std::chrono::hours(24);

constexpr std::size_t status_digits = 3;

std::string hex(std::string_view bytes) {
    return crypto::hex({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

/// The name that operators find it by. Two questions may share one (a merchant "a:b"): the entry
/// says whose it is.
std::string name_of(const AnswerCache::Question& question) {
    return "idem:authorize:" + question.merchant + ':' + question.key;
}

/// What stands behind `seal` in an entry: "200\n{…}".
std::optional<StoredAnswer> read_entry(std::string_view entry, std::string_view seal) {
    if (!entry.starts_with(seal)) return std::nullopt;
    entry.remove_prefix(seal.size());
    StoredAnswer answer;
    const auto [stop, error] =
        std::from_chars(entry.data(), entry.data() + entry.size(), answer.status);
    if (error != std::errc{} || stop != entry.data() + status_digits) return std::nullopt;
    entry.remove_prefix(status_digits);
    if (!entry.starts_with('\n') || !entry.ends_with('}')) return std::nullopt;
    answer.body = entry.substr(1);
    return answer;
}

}  // namespace

AnswerCache::AnswerCache(cache::Cache& cache, const Clock& clock, Milliseconds answers_kept,
                         telemetry::Metrics& metrics)
    : cache_(cache),
      clock_(clock),
      answers_kept_(answers_kept),
      hits_(metrics.counter("florin_answer_cache_lookups_total",
                            "Authorizations looked up in the cache, by what was found",
                            {{"result", "hit"}})),
      misses_(metrics.counter("florin_answer_cache_lookups_total",
                              "Authorizations looked up in the cache, by what was found",
                              {{"result", "miss"}})) {}

void AnswerCache::open(store::Snapshot& snapshot) {
    auto rows = snapshot.query(identity_sql);
    require(rows.next(), "every database has an identity");
    database_ = hex(rows.blob(0));
}

/// What an entry begins with: its form, the database that committed it, and what was asked.
std::string AnswerCache::seal(const IdempotencyKey& claim) const {
    return "1 " + database_ + ' ' + hex(claim.digest) + ' ' + hex(claim.fingerprint) + ' ';
}

awaitable<std::optional<StoredAnswer>> AnswerCache::find(Question question) {
    if (database_.empty() || question.claim.digest.empty()) co_return std::nullopt;
    const auto entry = co_await cache_.find(name_of(question));
    auto answer = entry ? read_entry(*entry, seal(question.claim)) : std::nullopt;
    (answer ? hits_ : misses_).add();
    co_return answer;
}

void AnswerCache::keep(const Question& question, const Uuid& answer_id,
                       const StoredAnswer& answer) {
    if (database_.empty() || question.claim.digest.empty()) return;
    Milliseconds left = longest;
    if (answers_kept_ > Milliseconds(0)) {
        const auto age =
            std::chrono::duration_cast<Milliseconds>(clock_.now() - time_of(answer_id));
        left = std::min(answers_kept_ - std::max(age, Milliseconds(0)), longest);
    }
    if (left <= Milliseconds(0)) return;
    cache_.keep(name_of(question),
                seal(question.claim) + std::to_string(answer.status) + '\n' + answer.body, left);
}

}  // namespace florin::payments
