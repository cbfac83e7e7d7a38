#include "platform/mariadb/waiting_rows.h"

namespace florin::mariadb {

bool WaitingRows::add(const std::vector<Value>& values) {
    if (columns_.empty()) columns_.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
        const auto kind = values[i].kind;
        const auto above = columns_[i].kind;
        if (kind != Value::Kind::Null && above != Value::Kind::Null && kind != above) return false;
    }
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Value& value = values[i];
        Column& column = columns_[i];
        if (value.kind != Value::Kind::Null) column.kind = value.kind;
        column.nulls.push_back(value.kind == Value::Kind::Null ? 1 : 0);
        column.integers.push_back(value.integer);
        column.offsets.push_back(text_.size());
        column.lengths.push_back(value.bytes.size());
        text_ += value.bytes;
    }
    ++rows_;
    return true;
}

void WaitingRows::clear() {
    rows_ = 0;
    text_.clear();
    for (Column& column : columns_) {
        column.kind = Value::Kind::Null;
        column.integers.clear();
        column.offsets.clear();
        column.lengths.clear();
        column.nulls.clear();
    }
}

}  // namespace florin::mariadb
