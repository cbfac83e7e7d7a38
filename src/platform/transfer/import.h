#pragma once

#include <functional>
#include <stdexcept>

#include "platform/transfer/export_reader.h"

namespace florin::transfer {

/// Port: an empty database that is being filled. Nobody else can use it before `finish`; without
/// it, what has been filled in is worth nothing and does not stay.
class ImportTarget {
public:
    virtual ~ImportTarget() = default;

    /// For inserts, inside a transaction.
    virtual store::Transaction& session() = 0;
    /// What has been committed, as it is now. Not while a transaction holds inserts; good until the
    /// next call of anything here.
    virtual store::Snapshot& read_back() = 0;
    /// Makes what was inserted so far one piece, so that no transaction grows without end.
    virtual void commit_part() = 0;
    /// The table's next row gets a number above `position`.
    virtual void number_above(const std::string& table, std::int64_t position) = 0;
    /// Gives the database to those who use it.
    virtual void finish() = 0;
};

/// The target is not what the file says: it is refused, nothing of it stays.
class ImportRefused : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct ImportOptions {
    std::int64_t schema = 0;  // how many migrations the target has had
    LeftOut left_out;
    /// Proves the target as the source was proven.
    std::function<Proofs(store::Snapshot&)> prove;
};

/// Fills `target` from an export, reads every row back, compares counts, sums and proofs with the
/// file's, and finishes. Throws `BrokenExport`, `ImportRefused` and what the target throws.
/// `statements` outlives the target.
FileEnd import_database(ExportReader& reader, ImportTarget& target, Statements& statements,
                        const ImportOptions& options);

}  // namespace florin::transfer
