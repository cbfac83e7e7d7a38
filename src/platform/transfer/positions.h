#pragma once

#include "platform/transfer/export_file.h"

namespace florin::transfer {

/// The last number that each table which numbers its rows has given.
Positions positions_of(store::Snapshot& snapshot, const LeftOut& left_out);

}  // namespace florin::transfer
