#include <filesystem>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/doctor_command.h"
#include "app/doctor_environment.h"
#include "app/load_settings.h"

namespace florin::app {
namespace {

using Verdict = Finding::Verdict;

LoadedSettings settings_from(std::map<std::string, std::string> environment) {
    SettingInputs inputs;
    inputs.environment = std::move(environment);
    inputs.folder = "/nonexistent";
    auto loaded = load_settings(inputs);
    EXPECT_TRUE(loaded.has_value());
    return std::move(*loaded);
}

TEST(Doctor, FindsTheListenerOfAPortInProcNetTcp) {
    constexpr std::string_view table =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        "   0: 0100007F:1F5E 0100007F:9C40 01 00000000:00000000 00:00000000 00000000 0 0 111 1 0\n"
        "   1: 00000000:1F5E 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 222 1 0\n";
    EXPECT_EQ(listening_inode(table, 8030), 222U);
    EXPECT_EQ(listening_inode(table, 8031), std::nullopt);
    EXPECT_EQ(listening_inode("", 8030), std::nullopt);
    EXPECT_EQ(listening_inode("garbage\n\n 1: x", 8030), std::nullopt);
}

TEST(Doctor, FreeSpaceIsJudgedInTwoSteps) {
    constexpr std::uint64_t mib = 1024UL * 1024;
    EXPECT_EQ(judge_free_space("/data", 99 * mib).verdict, Verdict::Problem);
    EXPECT_EQ(judge_free_space("/data", 100 * mib).verdict, Verdict::Warning);
    EXPECT_EQ(judge_free_space("/data", 1024 * mib).verdict, Verdict::Fine);
}

TEST(Doctor, OpenFilesAreJudgedByWhatTheConnectionsNeed) {
    EXPECT_EQ(judge_open_files(1'023, 1).verdict, Verdict::Problem);
    EXPECT_EQ(judge_open_files(1'024, 4'096).verdict, Verdict::Warning);
    EXPECT_EQ(judge_open_files(13'312, 4'096).verdict, Verdict::Fine);
}

TEST(Doctor, SecretsAreJudgedByTheEnvironment) {
    EXPECT_EQ(judge_secrets(settings_from({}))[0].verdict, Verdict::Fine);
    EXPECT_EQ(judge_secrets(settings_from({{"ENVIRONMENT", "staging"}}))[0].verdict,
              Verdict::Warning);
    EXPECT_EQ(judge_secrets(settings_from({{"WEBHOOK_SECRET", ""}}))[0].verdict, Verdict::Warning);
    const auto production = judge_secrets(
        settings_from({{"ENVIRONMENT", "production"}, {"WEBHOOK_SECRET", "0123456789abcdef"}}));
    ASSERT_EQ(production.size(), 2U);
    EXPECT_EQ(production[0].verdict, Verdict::Fine);
    EXPECT_NE(production[1].text.find("ADMIN_TOKEN"), std::string::npos);
    EXPECT_TRUE(judge_secrets(settings_from({{"FLORIN_ROLE", "reservation-worker"}})).empty());
}

TEST(Doctor, NamesTheProcessThatHasAPort) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), length), 0);
    ASSERT_EQ(::listen(listener, 1), 0);
    ASSERT_EQ(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
    const std::string port = std::to_string(ntohs(address.sin_port));

    const auto findings = examine(
        settings_from({{"GRPC_PORT", port}, {"EPHEMERAL", "true"}, {"BIND_ADDRESS", "127.0.0.1"}}));
    EXPECT_EQ(findings[0].verdict, Verdict::Problem);
    EXPECT_TRUE(findings[0].text.starts_with("GRPC_PORT " + port + " (environment) is taken by"))
        << findings[0].text;
    EXPECT_NE(findings[0].text.find("process " + std::to_string(::getpid())), std::string::npos)
        << findings[0].text;
    EXPECT_FALSE(findings[0].remedy.empty());
    ::close(listener);
    EXPECT_EQ(try_port("127.0.0.1", ntohs(address.sin_port)).kind, PortState::Kind::Free);
}

TEST(Doctor, AnAddressOfAnotherMachineIsAProblemOfBindAddress) {
    EXPECT_EQ(try_port("192.0.2.1", 8030).kind, PortState::Kind::NoSuchAddress);
}

TEST(Doctor, AMissingFolderIsJudgedByItsParentAndNotCreated) {
    const auto folder = std::filesystem::temp_directory_path() / "florin-absent" / "data";
    const FolderState state = look_at_folder(folder);
    EXPECT_EQ(state.path, std::filesystem::temp_directory_path().string());
    EXPECT_EQ(state.problem, "");
    EXPECT_GT(state.free_bytes, 0U);
    EXPECT_FALSE(std::filesystem::exists(folder));
}

TEST(Doctor, AFileInPlaceOfTheFolderIsAProblem) {
    EXPECT_NE(look_at_folder("/proc/self/status").problem, "");
}

TEST(Doctor, NamesTheProcessThatHasTheDatabase) {
    std::string folder = (std::filesystem::temp_directory_path() / "florin-doctor-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const int file =
        ::open((folder + "/florin.db.lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    ASSERT_EQ(::flock(file, LOCK_EX), 0);
    EXPECT_NE(look_at_folder(folder).holder.find(std::to_string(::getpid())), std::string::npos);
    ::close(file);
    EXPECT_EQ(look_at_folder(folder).holder, "");
    std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace florin::app
