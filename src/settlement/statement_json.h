#pragma once

#include <string>
#include <vector>

#include "settlement/statement.h"

/// Statements as the API shows them; api/openapi.yaml describes the fields.
namespace florin::settlement {

std::string statement_json(const Statement& statement);
/// `more`: there are older ones.
std::string statements_json(const std::vector<Statement>& statements, bool more);

}  // namespace florin::settlement
