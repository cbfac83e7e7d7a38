#pragma once

#include "platform/transfer/export_file.h"

namespace florin::transfer {

/// Writes every table of the snapshot with what was proven of it. `statements` outlives the
/// snapshot's connection. Throws what snapshot and writer throw.
FileEnd export_database(store::Snapshot& snapshot, Statements& statements, const LeftOut& left_out,
                        const Header& header, const Proofs& proofs, ExportWriter& writer);

}  // namespace florin::transfer
