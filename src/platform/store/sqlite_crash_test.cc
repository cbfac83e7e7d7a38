// What a process that is killed leaves behind.

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <set>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "platform/base/random.h"
#include "platform/store/database_file.h"
#include "platform/store/store_test_support.h"

namespace florin::store {
namespace {

/// A child process that writes to a pipe until it is killed.
class Child {
public:
    explicit Child(const std::function<void(int pipe)>& work) {
        int ends[2] = {-1, -1};
        require(::pipe(ends) == 0, "a pipe can be made");
        process_ = ::fork();
        if (process_ == 0) {
            ::close(ends[0]);
            work(ends[1]);
            ::_exit(0);
        }
        ::close(ends[1]);
        pipe_ = ends[0];
    }
    ~Child() { ::close(pipe_); }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

    void kill() {
        ::kill(process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }
    /// Up to `bytes` bytes; fewer only when the child is dead and the pipe is empty.
    std::string read(std::size_t bytes) {
        std::string text(bytes, '\0');
        std::size_t used = 0;
        while (used < bytes) {
            const auto count = ::read(pipe_, text.data() + used, bytes - used);
            if (count <= 0) break;
            used += static_cast<std::size_t>(count);
        }
        text.resize(used);
        return text;
    }

private:
    pid_t process_ = -1;
    int pipe_ = -1;
};

awaitable<void> write_and_acknowledge(Store& store, std::int64_t from, std::int64_t step,
                                      int pipe) {
    for (std::int64_t id = from;; id += step) {
        Outcome outcome;
        const bool refuse = id % 7 == 0;
        co_await run_command(store, refuse ? insert_then_refuse(id) : insert(id), outcome);
        const std::int64_t answer = refuse ? -id : id;
        require(::write(pipe, &answer, sizeof answer) == sizeof answer, "the parent reads");
    }
}

void write_forever(const std::filesystem::path& file, std::int64_t first_id, int pipe) {
    telemetry::Metrics metrics;
    runtime::Loop loop("child");
    const auto store = open_sqlite(
        {.file = file, .migrations = item_schema().sqlite, .wal_limit_mib = 1}, metrics);
    for (std::int64_t writer = 0; writer < 32; ++writer) {
        runtime::spawn(loop, "write", write_and_acknowledge(*store, first_id + writer, 32, pipe));
    }
    loop.run();
}

std::set<std::int64_t> stored_ids(const std::filesystem::path& file) {
    telemetry::Metrics metrics;
    runtime::Loop loop("test");
    const auto store = open_sqlite({.file = file, .migrations = item_schema().sqlite}, metrics);
    std::set<std::int64_t> ids;
    const auto task = [&]() -> awaitable<void> {
        const auto all =
            co_await store->read([](Snapshot& snapshot) { return item_ids(snapshot); });
        ids.insert(all.begin(), all.end());
    };
    runtime::run_until_done(loop, task());
    return ids;
}

TEST(SqliteCrash, EveryAcknowledgedRowSurvivesAKillAtAnyMoment) {
    const std::uint64_t seed = seed_from_system();
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const TestFolder folder;
    std::vector<std::int64_t> acknowledged;
    for (std::int64_t round = 0; round < 12; ++round) {
        Child child([&](int pipe) { write_forever(folder.file(), 1 + round * 10'000'000, pipe); });
        std::string answers = child.read(sizeof(std::int64_t) * (1 + random.next() % 2'000));
        child.kill();
        answers += child.read(1U << 24U);
        for (std::size_t at = 0; at + sizeof(std::int64_t) <= answers.size();
             at += sizeof(std::int64_t)) {
            std::int64_t id = 0;
            answers.copy(reinterpret_cast<char*>(&id), sizeof id, at);
            acknowledged.push_back(id);
        }
        const auto ids = stored_ids(folder.file());
        for (const std::int64_t id : acknowledged) {
            EXPECT_EQ(ids.contains(std::abs(id)), id > 0) << "round " << round << ", row " << id;
        }
        EXPECT_TRUE(std::ranges::none_of(ids, [](std::int64_t id) { return id % 7 == 0; }));
        if (testing::Test::HasFailure()) return;
    }
}

TEST(SqliteCrash, AnEphemeralDatabaseLeavesNothingAndTheNextRemovesWhatWasKilled) {
    Child child([](int pipe) {
        const DatabaseFile file = DatabaseFile::ephemeral();
        const std::string line = file.path().string() + "\n";
        require(::write(pipe, line.data(), line.size()) > 0, "the parent reads");
        ::pause();
    });
    std::string killed;
    for (std::string letter; (letter = child.read(1)) != "\n" && !letter.empty();) killed += letter;
    std::filesystem::path mine;
    {
        const DatabaseFile file = DatabaseFile::ephemeral();
        mine = file.path();
        EXPECT_TRUE(std::filesystem::exists(mine));
        EXPECT_TRUE(std::filesystem::exists(killed)) << "its owner is alive";
    }
    EXPECT_FALSE(std::filesystem::exists(mine.parent_path()));
    child.kill();
    const DatabaseFile next = DatabaseFile::ephemeral();
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(killed).parent_path()));
}

}  // namespace
}  // namespace florin::store
