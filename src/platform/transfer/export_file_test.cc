#include <sstream>

#include <gtest/gtest.h>

#include "platform/transfer/export_reader.h"

namespace florin::transfer {
namespace {

const Table people{"people", {{"id", Kind::Integer}, {"name", Kind::Text}}, {}};
const Table things{"things", {{"id", Kind::Bytes}}, {}};

std::string whole_export() {
    std::ostringstream out;
    ExportWriter writer(out);
    writer.header({15, "SQLite"});
    writer.begin(people);
    writer.row({{std::int64_t{1}, std::string("one")}});
    writer.row({{std::int64_t{2}, Value()}});
    writer.end_table();
    writer.begin(things);
    writer.end_table();
    writer.positions({{"people", 9}});
    writer.proofs({{"ledger", "well \"proven\""}});
    writer.end();
    return out.str();
}

std::vector<Part> parts_of(const std::string& text) {
    std::istringstream in(text);
    ExportReader reader(in);
    std::vector<Part> parts;
    while (auto part = reader.next()) parts.push_back(*std::move(part));
    return parts;
}

/// Why a text is refused; empty when it is not.
std::string refusal(const std::string& text) {
    try {
        parts_of(text);
        return {};
    } catch (const BrokenExport& broken) {
        return broken.what();
    }
}

std::string with(std::string text, const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

TEST(ExportFile, IsReadAsItWasWritten) {
    const auto parts = parts_of(whole_export());
    ASSERT_EQ(parts.size(), 10U);
    EXPECT_EQ(std::get<Header>(parts[0]).schema, 15);
    EXPECT_EQ(std::get<Header>(parts[0]).source, "SQLite");
    EXPECT_EQ(std::get<TableBegin>(parts[1]).table.columns, people.columns);
    EXPECT_EQ(std::get<Row>(parts[3]).values[1], Value());
    EXPECT_EQ(std::get<TableEnd>(parts[4]).rows, 2);
    EXPECT_EQ(std::get<TableEnd>(parts[6]).rows, 0);
    EXPECT_EQ(std::get<Positions>(parts[7]).at("people"), 9);
    EXPECT_EQ(std::get<Proofs>(parts[8]).at("ledger"), "well \"proven\"");
    EXPECT_EQ(std::get<FileEnd>(parts[9]).rows, 2);
    EXPECT_EQ(std::get<FileEnd>(parts[9]).tables, 2);
}

TEST(ExportFile, CutOffAnywhereItIsRefusedWithALine) {
    const std::string whole = whole_export();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string said = refusal(whole.substr(0, size));
        EXPECT_TRUE(said.starts_with("line ")) << size << ": " << said;
    }
}

TEST(ExportFile, ChangedAnywhereItIsRefusedWithALine) {
    const std::string whole = whole_export();
    for (std::size_t at = 0; at < whole.size(); ++at) {
        std::string changed = whole;
        changed[at] = changed[at] == '7' ? '8' : '7';
        const std::string said = refusal(changed);
        EXPECT_TRUE(said.starts_with("line ")) << changed.substr(at, 20) << ": " << said;
    }
}

TEST(ExportFile, SaysWhichLineIsWrong) {
    const std::string whole = whole_export();
    struct Case {
        std::string text;
        const char* said;
    };
    for (const auto& [text, said] :
         {Case{"", "line 1: the file is empty"}, Case{"hello\n", "line 1: it is no part"},
          Case{"{\"export\":\"other\"}\n", "line 1: this is no export of florin"},
          Case{with(whole, "\"format\":1", "\"format\":2"), "line 1: the export has a format"},
          Case{with(whole, "[2,null]", "[\"2\",null]"), "line 4: it has a value for column id"},
          Case{with(whole, "[2,null]\n", ""),
               "line 4: table people has 1 rows here, but not the 2"},
          Case{with(whole, "[2,null]", "[3,null]"), "line 5: table people has 2 rows here"},
          Case{with(whole, "{\"table\":\"things\"", "{\"table\":7"), "line 6: it names no table"},
          Case{with(whole, "\"bytes\"", "\"floats\""), "line 6: it names no table"},
          Case{"[1]\n" + whole, "line 1: a row cannot stand here"},
          Case{whole + "{}\n", "line 11: the export has ended, but the file goes on"},
          Case{with(whole, "\"people\":9", "\"people\":8"), "line 10: its digest"}}) {
        EXPECT_TRUE(refusal(text).starts_with(said)) << said << " <> " << refusal(text);
    }
}

TEST(ExportFile, AWriterThatCannotWriteSaysSo) {
    std::ostringstream out;
    out.setstate(std::ios::badbit);
    ExportWriter writer(out);
    EXPECT_THROW(writer.header({1, "SQLite"}), std::runtime_error);
}

}  // namespace
}  // namespace florin::transfer
