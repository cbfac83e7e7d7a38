#pragma once

#include <string>
#include <vector>

#include "platform/broker/dead_letters.h"

/// Dead letters as the admin API shows them.
namespace florin::operations {

struct DeadLetterPage {
    std::vector<broker::DeadLetter> letters;                // newest first
    std::vector<broker::dead_letters::GroupCount> waiting;  // of every group
    bool more = false;
};

/// Without payloads, which may be large.
std::string dead_letters_json(const DeadLetterPage& page);
/// With its message's payload: a text, exactly as it came.
std::string dead_letter_json(const broker::DeadLetter& letter);
/// What a re-drive that was carried out made of the letter.
std::string redriven_json(const Uuid& id, const broker::Handled& handled);

}  // namespace florin::operations
