#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace florin::mariadb {

/// What the adapter has to know of a statement, read from its text once, when it is prepared.
struct StatementText {
    enum class Kind : std::uint8_t {
        Query,        // SELECT, WITH
        PlainInsert,  // INSERT or REPLACE INTO t (…) VALUES (…) of one row and nothing more: it may
                      // wait
        Insert,       // any other INSERT or REPLACE
        Other
    };

    explicit StatementText(std::string_view sql);

    /// Whether the statement may read or change `table`. Too often true rather than too seldom.
    [[nodiscard]] bool names(std::string_view table) const;

    Kind kind = Kind::Other;
    std::string_view table;  // of an insert
    /// A query whose rows a command means to change: it gets FOR UPDATE in a writing transaction.
    /// Not what counts or sums up rows (it would lock all of them), nor what says itself how it
    /// locks.
    bool locks = false;

private:
    std::vector<std::string_view> words_;  // sorted
};

}  // namespace florin::mariadb
