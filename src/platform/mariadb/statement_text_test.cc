#include "platform/mariadb/statement_text.h"

#include <gtest/gtest.h>

namespace florin::mariadb {
namespace {

using Kind = StatementText::Kind;

TEST(StatementText, TellsWhichQueriesLockWhatTheyFind) {
    struct Case {
        const char* sql;
        bool locks;
    };
    for (const auto& [sql, locks] :
         {Case{"SELECT id FROM item WHERE id = ?", true}, Case{"  select id from item", true},
          Case{"SELECT updated_at FROM item ORDER BY id LIMIT 1", true},
          Case{"SELECT max(id) FROM item", false}, Case{"SELECT count(*) FROM item", false},
          Case{"SELECT coalesce(max(seq), 0) FROM item", false},
          Case{"SELECT DISTINCT text FROM item", false},
          Case{"SELECT text, sum(n) FROM item GROUP BY text", false},
          Case{"SELECT id FROM item FOR UPDATE SKIP LOCKED", false},
          Case{"SELECT id FROM item LOCK IN SHARE MODE", false}, Case{"SELECT 1", false},
          Case{"WITH a AS (SELECT 1) SELECT * FROM a", false}}) {
        const StatementText statement(sql);
        EXPECT_EQ(statement.kind, Kind::Query) << sql;
        EXPECT_EQ(statement.locks, locks) << sql;
    }
}

TEST(StatementText, TellsWhichInsertsMayWait) {
    struct Case {
        const char* sql;
        Kind kind;
    };
    for (const auto& [sql, kind] :
         {Case{"INSERT INTO item (id, text) VALUES (?, ?)", Kind::PlainInsert},
          Case{"insert into \"item\" values (?, NULL, 0, 'a (b)', x'')", Kind::PlainInsert},
          Case{"REPLACE INTO item (id) VALUES (?)", Kind::PlainInsert},
          Case{"INSERT INTO item (id) VALUES (1)", Kind::Insert},
          Case{"INSERT IGNORE INTO item (id) VALUES (?)", Kind::Insert},
          Case{"INSERT INTO item (id) VALUES (?), (?)", Kind::Insert},
          Case{"INSERT INTO item (id) VALUES (?) RETURNING id", Kind::Insert},
          Case{"INSERT INTO item (id) VALUES (?) ON DUPLICATE KEY UPDATE id = id", Kind::Insert},
          Case{"INSERT INTO item (id) VALUES (abs(?))", Kind::Insert},
          Case{"INSERT INTO item (id) SELECT id FROM other WHERE id = ?", Kind::Insert}}) {
        const StatementText statement(sql);
        EXPECT_EQ(statement.kind, kind) << sql;
        EXPECT_EQ(statement.table, "item") << sql;
    }
    EXPECT_EQ(StatementText("UPDATE item SET id = ?").kind, Kind::Other);
    EXPECT_EQ(StatementText("").kind, Kind::Other);
}

TEST(StatementText, KnowsTheTablesItNames) {
    const StatementText statement("SELECT a.id FROM \"item\" a JOIN other o ON o.id = a.id");
    EXPECT_TRUE(statement.names("item"));
    EXPECT_TRUE(statement.names("other"));
    EXPECT_FALSE(statement.names("items"));
    EXPECT_FALSE(StatementText("SELECT 'item' FROM other").names("item"));
}

}  // namespace
}  // namespace florin::mariadb
