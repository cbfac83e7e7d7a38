#include "platform/redis/reply_reader.h"

#include <new>

#include <hiredis/read.h>

namespace florin::redis {
namespace {

// The reader calls these back with a task for each value. The root is ours to free; elements live
// in the list that their parent is.
Reply* place_of(const redisReadTask* task) {
    if (task->parent == nullptr) return new (std::nothrow) Reply;
    return &static_cast<Reply*>(task->parent->obj)->elements[static_cast<std::size_t>(task->idx)];
}

void* create_text(const redisReadTask* task, char* text, std::size_t size) {
    Reply* const reply = place_of(task);
    if (reply == nullptr) return nullptr;
    reply->kind = task->type == REDIS_REPLY_ERROR    ? Reply::Kind::Error
                  : task->type == REDIS_REPLY_STATUS ? Reply::Kind::Status
                                                     : Reply::Kind::Text;
    reply->text.assign(text, size);
    return reply;
}

void* create_list(const redisReadTask* task, int elements) {
    auto& counted = *static_cast<std::size_t*>(task->privdata);
    counted += static_cast<std::size_t>(elements);
    if (counted > ReplyReader::elements_max) return nullptr;
    Reply* const reply = place_of(task);
    if (reply == nullptr) return nullptr;
    reply->kind = Reply::Kind::List;
    reply->elements.resize(static_cast<std::size_t>(elements));
    return reply;
}

void* create_integer(const redisReadTask* task, long long value) {
    Reply* const reply = place_of(task);
    if (reply == nullptr) return nullptr;
    reply->kind = Reply::Kind::Integer;
    reply->integer = value;
    return reply;
}

void* create_nil(const redisReadTask* task) {
    return place_of(task);
}

void free_root(void* reply) {
    delete static_cast<Reply*>(reply);
}

redisReplyObjectFunctions functions{create_text, create_list, create_integer, create_nil,
                                    free_root};

}  // namespace

void ReplyReader::Deleter::operator()(redisReader* reader) const {
    redisReaderFree(reader);
}

ReplyReader::ReplyReader() : reader_(redisReaderCreateWithFunctions(&functions)) {
    if (reader_ == nullptr) throw std::bad_alloc();
    reader_->privdata = &elements_;
}

ReplyReader::~ReplyReader() = default;

void ReplyReader::feed(std::string_view bytes) {
    if (!broken_.empty()) return;
    fed_ += bytes.size();
    if (redisReaderFeed(reader_.get(), bytes.data(), bytes.size()) != REDIS_OK)
        broken_ = reader_->errstr;
}

std::optional<Reply> ReplyReader::next() {
    if (!broken_.empty()) return std::nullopt;
    void* root = nullptr;
    if (redisReaderGetReply(reader_.get(), &root) != REDIS_OK) {
        // Its text quotes what came, byte for byte.
        broken_ = reader_->err == REDIS_ERR_OOM ? "a reply of it is too large"
                                                : "what it sent is not the protocol of Redis";
        return std::nullopt;
    }
    if (root == nullptr) {
        if (fed_ > reply_bytes_max) broken_ = "a reply of it is too large";
        return std::nullopt;
    }
    fed_ = reader_->len - reader_->pos;
    elements_ = 0;
    const std::unique_ptr<Reply> reply(static_cast<Reply*>(root));
    return std::move(*reply);
}

}  // namespace florin::redis
