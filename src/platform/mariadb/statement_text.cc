#include "platform/mariadb/statement_text.h"

#include <algorithm>
#include <cctype>

namespace florin::mariadb {
namespace {

bool starts_word(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool continues_word(char c) {
    return starts_word(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool is(std::string_view word, std::string_view keyword) {
    return std::equal(word.begin(), word.end(), keyword.begin(), keyword.end(), [](char a, char b) {
        return std::toupper(static_cast<unsigned char>(a)) == b;
    });
}

/// Words, quoted names without their quotes, and single characters; texts in quotes as one `'`.
std::vector<std::string_view> tokens_of(std::string_view sql) {
    std::vector<std::string_view> tokens;
    for (std::size_t i = 0; i < sql.size();) {
        const char c = sql[i];
        std::size_t end = i + 1;
        if (std::isspace(static_cast<unsigned char>(c)) != 0) {
            i = end;
            continue;
        }
        if (c == '\'' || c == '"' || c == '`') {
            end = std::min(sql.find(c, i + 1), sql.size() - 1) + 1;
            tokens.push_back(c == '\'' || end - i < 2 ? sql.substr(i, 1)
                                                      : sql.substr(i + 1, end - i - 2));
        } else {
            if (starts_word(c)) {
                while (end < sql.size() && continues_word(sql[end])) ++end;
            }
            tokens.push_back(sql.substr(i, end - i));
        }
        i = end;
    }
    return tokens;
}

class Reader {
public:
    explicit Reader(const std::vector<std::string_view>& tokens) : tokens_(tokens) {}

    [[nodiscard]] bool at_end() const { return at_ == tokens_.size(); }
    [[nodiscard]] std::string_view peek() const { return at_end() ? "" : tokens_[at_]; }
    std::string_view take() { return at_end() ? "" : tokens_[at_++]; }
    bool take(std::string_view keyword) {
        if (!is(peek(), keyword)) return false;
        ++at_;
        return true;
    }
    /// `(…)` without parentheses inside.
    bool take_list() {
        if (!take("(")) return false;
        while (!at_end() && peek() != ")" && peek() != "(") ++at_;
        return take(")");
    }

private:
    const std::vector<std::string_view>& tokens_;
    std::size_t at_ = 0;
};

bool counts_rows(std::string_view first_word) {
    return std::ranges::any_of(
        std::initializer_list<std::string_view>{"MAX", "MIN", "COUNT", "SUM", "AVG", "COALESCE",
                                                "EXISTS", "DISTINCT"},
        [first_word](std::string_view keyword) { return is(first_word, keyword); });
}

}  // namespace

StatementText::StatementText(std::string_view sql) {
    const auto tokens = tokens_of(sql);
    const auto has = [&tokens](std::string_view keyword) {
        return std::ranges::any_of(tokens, [keyword](auto token) { return is(token, keyword); });
    };
    Reader reader(tokens);
    if (reader.take("SELECT")) {
        kind = Kind::Query;
        const bool says_itself = has("UPDATE") || has("LOCK");
        locks = !says_itself && has("FROM") && !has("GROUP") && !counts_rows(reader.peek());
    } else if (is(reader.peek(), "WITH")) {
        kind = Kind::Query;
    } else if (reader.take("INSERT") || reader.take("REPLACE")) {
        kind = Kind::Insert;
        const bool plain = reader.take("INTO");
        if (!plain) {
            reader.take("IGNORE");
            reader.take("INTO");
        }
        table = reader.take();
        if (reader.peek() == "(") reader.take_list();
        if (plain && has("?") && reader.take("VALUES") && reader.take_list() && reader.at_end())
            kind = Kind::PlainInsert;
    }
    words_ = tokens;
    std::ranges::sort(words_);
    const auto repeated = std::ranges::unique(words_);
    words_.erase(repeated.begin(), repeated.end());
}

bool StatementText::names(std::string_view name) const {
    return std::ranges::binary_search(words_, name);
}

}  // namespace florin::mariadb
