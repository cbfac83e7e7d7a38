#include "platform/transfer/export.h"

#include "platform/transfer/positions.h"

namespace florin::transfer {

FileEnd export_database(store::Snapshot& snapshot, Statements& statements, const LeftOut& left_out,
                        const Header& header, const Proofs& proofs, ExportWriter& writer) {
    writer.header(header);
    for (const Table& table : tables_of(snapshot, left_out)) {
        writer.begin(table);
        auto rows = snapshot.query(statements.select(table));
        while (rows.next()) writer.row(read_row(rows, table));
        writer.end_table();
    }
    writer.positions(positions_of(snapshot, left_out));
    writer.proofs(proofs);
    return writer.end();
}

}  // namespace florin::transfer
