#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace florin::transfer {

/// SHA-256 of what comes piece by piece.
class RunningDigest {
public:
    RunningDigest();
    ~RunningDigest();
    RunningDigest(const RunningDigest&) = delete;
    RunningDigest& operator=(const RunningDigest&) = delete;

    void add(std::string_view bytes);
    /// Of all so far, in hexadecimal; more may come.
    [[nodiscard]] std::string hex() const;

private:
    struct Deleter {
        void operator()(evp_md_ctx_st* context) const;
    };
    std::unique_ptr<evp_md_ctx_st, Deleter> context_;
};

/// A digest of the rows of a table in whatever order they come: the sum of their SHA-256, modulo
/// 2^256.
class RowSum {
public:
    void add(std::string_view row);
    [[nodiscard]] std::int64_t rows() const { return rows_; }
    [[nodiscard]] std::string hex() const;

private:
    std::array<std::uint64_t, 4> sum_{};  // the least significant word first
    std::int64_t rows_ = 0;
};

}  // namespace florin::transfer
