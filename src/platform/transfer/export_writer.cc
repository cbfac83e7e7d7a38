#include <ostream>
#include <stdexcept>

#include "platform/base/json_text.h"
#include "platform/transfer/export_file.h"
#include "platform/transfer/row_text.h"

namespace florin::transfer {
namespace {

std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

}  // namespace

void ExportWriter::line(std::string text) {
    text += '\n';
    digest_.add(text);
    if (!out_.write(text.data(), static_cast<std::streamsize>(text.size())))
        throw std::runtime_error(
            "the export cannot be written: is the disk full, the pipe closed?");
}

void ExportWriter::header(const Header& header) {
    line(R"({"export":"florin","format":)" + std::to_string(export_format) + R"(,"schema":)" +
         std::to_string(header.schema) + R"(,"source":)" + quoted(header.source) + '}');
}

void ExportWriter::begin(const Table& table) {
    std::string text = R"({"table":)" + quoted(table.name) + R"(,"columns":[)";
    for (const Column& column : table.columns) {
        if (&column != table.columns.data()) text += ',';
        text += '[' + quoted(column.name) + ',' + quoted(name_of(column.kind)) + ']';
    }
    line(text + "]}");
    sum_ = {};
    ++total_.tables;
}

void ExportWriter::row(const Row& row) {
    std::string text = row_text(row);
    sum_.add(text);
    line(std::move(text));
}

void ExportWriter::end_table() {
    line(R"({"rows":)" + std::to_string(sum_.rows()) + R"(,"sum":)" + quoted(sum_.hex()) + '}');
    total_.rows += sum_.rows();
}

void ExportWriter::positions(const Positions& positions) {
    std::string text;
    for (const auto& [table, position] : positions)
        text += (text.empty() ? "" : ",") + quoted(table) + ':' + std::to_string(position);
    line(R"({"positions":{)" + text + "}}");
}

void ExportWriter::proofs(const Proofs& proofs) {
    std::string text;
    for (const auto& [name, proof] : proofs)
        text += (text.empty() ? "" : ",") + quoted(name) + ':' + quoted(proof);
    line(R"({"proofs":{)" + text + "}}");
}

FileEnd ExportWriter::end() {
    line(R"({"tables":)" + std::to_string(total_.tables) + R"(,"rows":)" +
         std::to_string(total_.rows) + R"(,"sha256":)" + quoted(digest_.hex()) + '}');
    if (!out_.flush())
        throw std::runtime_error(
            "the export cannot be written: is the disk full, the pipe closed?");
    return total_;
}

}  // namespace florin::transfer
