#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <spdlog/logger.h>
#include <spdlog/sinks/ostream_sink.h>
#include <unistd.h>

#include "gateway/exchange/basic_credentials.hpp"
#include "gateway/process/password_checks.hpp"
#include "gateway/process/password_files.hpp"
#include "gateway/process/password_hash.hpp"
#include "tests/support/catch.hpp"
#include "tests/support/patience.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace std::chrono_literals;
using namespace std::string_literals;

namespace {

// Of `sesame`, by `openssl passwd`, crypt(3) and htpasswd.
const std::string kBcrypt = "$2y$04$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW";

// A file of its own that goes with the object.
class File {
 public:
  explicit File(const std::string& text) {
    std::string name = (std::filesystem::temp_directory_path() / "passwords-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    ::close(descriptor);
    path = name;
    write(text);
  }
  ~File() { std::filesystem::remove(path); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  // As editors and tools do: a new file takes the place of the old.
  void write(const std::string& text) const {
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path);
  }

  std::string path;
};

std::shared_ptr<spdlog::logger> log_into(std::ostringstream& text) {
  return std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
}

// One check, waited for.
bool check(PasswordChecks& checks, const std::shared_ptr<PasswordFile>& file, const std::string& user,
           const std::string& password) {
  auto outcome = std::make_shared<std::atomic<int>>(-1);
  REQUIRE(checks.submit({file, user, password, [outcome](PasswordVerdict verdict) {
                           *outcome = verdict == PasswordVerdict::right ? 1 : 0;
                         }}));
  test::wait_until("a password to be checked", [&] { return *outcome >= 0; });
  return *outcome == 1;
}

}  // namespace

TEST_CASE("passwords are checked against every kind of hash that htpasswd writes") {
  const std::vector<std::string> hashes{
      kBcrypt,
      "$apr1$abcdefgh$GQVaHFsauSKl0cgw4bVFJ/",
      "$1$abcdefgh$5XhrJpGu.bBXAZh4lT8oY/",
      "$5$abcdefgh$4PbtPZdUc33o7LmNsM4HTsjYbIhyCeh4aCe.rEbHkq1",
      "$6$abcdefgh$Bk2D4uYVcw0FbFPsWa0iJZ1DNfy8v6OjKcRcuBfMkWD1KdADPVnmQf5cr0O8HfAYpq1XrrjdgIRINkwgSKJ8/1",
      "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=",
      "{SSHA}IdfzURG1vYyQ1FyGVPK2qgo4BTpzYWx0",
      "abnqrLigH.z/s",
  };
  PasswordVerifier verifier;
  for (const auto& hash : hashes) {
    CAPTURE(hash);
    CHECK(is_password_hash(hash));
    CHECK(verifier.verify("sesame", hash));
    for (const auto& wrong : {"Sesame"s, "sesam"s, ""s, "sesame\0"s, "\0"s, std::string(512, 's')}) {
      CAPTURE(wrong);
      CHECK_FALSE(verifier.verify(wrong, hash));
    }
    // Of DES crypt only eight characters count.
    if (hash.size() != 13) CHECK_FALSE(verifier.verify("sesamesesame", hash));
  }
}

TEST_CASE("Apache's MD5 of passwords of every length it treats apart") {
  const std::vector<std::pair<std::size_t, std::string>> hashes{
      {0, "ULBJ9Drjtu/VP0gEQNAUU1"},  {1, "97PZJeNJoWsD2nr9ZHoLg1"},  {7, "mDaSdO30y94J5lZJh1YbJ."},
      {8, "pdTv1n9jBpmJO4TFeWnOr1"},  {15, "uHFwyY8GlF9lbO.GU3ja3/"}, {16, "inqBRDIrueMK4TAUrkoUl0"},
      {17, "r2/bFkogRBn1vnlLqrJkl1"}, {33, "tDaMX/0Mq153su5hgPXnt."}, {40, "JCpcSY4Vvab40Rnm6YUTb/"}};
  PasswordVerifier verifier;
  for (const auto& [length, hash] : hashes) {
    CAPTURE(length);
    CHECK(verifier.verify(std::string(length, 'a'), "$apr1$x7.k$" + hash));
    CHECK_FALSE(verifier.verify(std::string(length + 1, 'a'), "$apr1$x7.k$" + hash));
  }
}

TEST_CASE("plain text and what nobody could check in time is no hash") {
  for (const auto& text :
       {"sesame"s, ""s, "*"s, "*0"s, "$"s, "$9$abc$def"s, "{SHA}"s, "{SHA}x"s, "{SHA}AAAA"s, "{PLAIN}sesame"s,
        "$apr1$"s, "$2y$31$abcdefghijklmnopqrstuuinwY/tkBVrn3xrxQI/TgnMHhkvl85RW"s,
        "$6$rounds=999999999$abcdefgh$x"s}) {
    CAPTURE(text);
    CHECK_FALSE(is_password_hash(text));
  }
  // Should one get here all the same, nothing fits it.
  PasswordVerifier verifier;
  CHECK_FALSE(verifier.verify("sesame", "{SHA}AAAA"));
  CHECK_FALSE(verifier.verify("*0", "*0"));
  CHECK_FALSE(verifier.verify("", ""));
}

TEST_CASE("an htpasswd file is read line by line") {
  std::string fault;
  const auto users = parse_passwords("# comment\n\nann:" + kBcrypt +
                                         "\r\n  \nbob:{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=:a comment\nann:" +
                                         "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=\nlast:" + kBcrypt,
                                     fault);
  CHECK(fault.empty());
  CHECK(users.size() == 3);
  CHECK(users.at("ann") == kBcrypt);
  CHECK(users.at("bob") == "{SHA}CEo1Ae3vaEXy8eQZjsOiuBz1xrw=");
  for (const auto& bad : {"ann"s, ":"s + kBcrypt, "ann:"s, "ann::x"s, "ann:sesame"s}) {
    CAPTURE(bad);
    CHECK(parse_passwords("ok:" + kBcrypt + "\n" + bad + "\n", fault).empty());
    CHECK(fault.starts_with("line 2: "));
  }
  CHECK(fault.find("sesame") == std::string::npos);  // a password does not go into a log
}

TEST_CASE("a password file that turns bad stays as it was, and is told of once") {
  const File text("ann:" + kBcrypt + "\n");
  PasswordFile file(text.path);
  CHECK(file.generation() == 0);
  CHECK(file.refresh().fault.empty());
  const auto first = file.generation();
  CHECK(first != 0);
  CHECK(file.find("ann") == kBcrypt);
  CHECK_FALSE(file.find("bob").has_value());
  CHECK(file.refresh().fault.empty());
  CHECK(file.generation() == first);

  text.write("ann\n");
  CHECK(file.refresh().fault == "line 1: expected `name:hash`");
  CHECK(file.refresh().fault.empty());
  CHECK(file.find("ann").has_value());
  std::filesystem::remove(text.path);
  CHECK(file.refresh().fault.find("No such file") != std::string::npos);
  CHECK(file.refresh().fault.empty());
  CHECK(file.find("ann").has_value());

  text.write("bob:" + kBcrypt + "\n");
  const auto mended = file.refresh();
  CHECK(mended.fault.empty());
  CHECK(mended.mended);
  CHECK_FALSE(mended.nobody);
  CHECK_FALSE(file.refresh().mended);
  CHECK(file.generation() != first);
  CHECK_FALSE(file.find("ann").has_value());
  CHECK(file.find("bob").has_value());
}

TEST_CASE("a password file that comes back unchanged is mended too, and an emptied one is told of once") {
  const File text("ann:" + kBcrypt + "\n");
  PasswordFile file(text.path);
  CHECK_FALSE(file.refresh().mended);
  std::filesystem::rename(text.path, text.path + ".away");
  CHECK_FALSE(file.refresh().fault.empty());
  std::filesystem::rename(text.path + ".away", text.path);
  CHECK(file.refresh().mended);
  text.write("# nobody\n");
  CHECK(file.refresh().nobody);
  CHECK_FALSE(file.refresh().nobody);
}

TEST_CASE("a configuration taken up anew keeps what was read of its password files") {
  std::ostringstream log;
  const auto logger = log_into(log);
  const File text("ann:" + kBcrypt + "\n");
  conf::Config config;
  config.routes.resize(2);
  for (auto& route : config.routes) route.basic_auth.emplace().file = text.path;
  const auto before = read_password_files(config, {}, *logger);
  REQUIRE(before.size() == 1);
  CHECK(before.begin()->second->find("ann").has_value());

  text.write("broken\n");
  const auto broken = read_password_files(config, before, *logger);
  CHECK(broken == before);
  CHECK(broken.begin()->second->find("ann").has_value());
  CHECK(log.str().find(": line 1: expected `name:hash`; the names read before stay") != std::string::npos);
  text.write("");
  CHECK(read_password_files(config, broken, *logger) == before);
  CHECK(log.str().find(": can be read again and is in use") != std::string::npos);
  CHECK(log.str().find(": names nobody, so that nobody is let in") != std::string::npos);

  config.routes.clear();
  CHECK(read_password_files(config, before, *logger).empty());
}

TEST_CASE("a password file that was never read is not said to have names that stay") {
  std::ostringstream log;
  PasswordFile file("/nowhere/at/all");
  read_and_tell(file, *log_into(log));
  CHECK(log.str().find("; nobody is let in until it can be read") != std::string::npos);
}

TEST_CASE("what was right is remembered until the file changes") {
  std::ostringstream log;
  PasswordChecks checks(log_into(log));
  const File text("ann:" + kBcrypt + "\n");
  const auto file = std::make_shared<PasswordFile>(text.path);
  const auto now = std::chrono::steady_clock::now();
  CHECK_FALSE(checks.remembers({file, "ann", "sesame", {}}, now));
  CHECK(check(checks, file, "ann", "sesame"));
  CHECK(checks.remembers({file, "ann", "sesame", {}}, now));
  CHECK_FALSE(checks.remembers({file, "ann", "sesam", {}}, now));
  CHECK_FALSE(checks.remembers({file, "an", "nsesame", {}}, now));
  CHECK_FALSE(checks.remembers({file, "ann", "sesame", {}}, now + 11min));
  CHECK_FALSE(check(checks, file, "ann", "wrong"));
  CHECK_FALSE(check(checks, file, "bob", "sesame"));
  CHECK_FALSE(checks.remembers({file, "bob", "sesame", {}}, now));

  // Another file with the same user is another matter.
  const auto other = std::make_shared<PasswordFile>(text.path);
  CHECK_FALSE(checks.remembers({other, "ann", "sesame", {}}, now));

  // Asking is enough to have it looked at.
  text.write("ann:$1$abcdefgh$5XhrJpGu.bBXAZh4lT8oY/\n");
  auto later = now;
  test::wait_until("the change to be seen", [&] {
    later += 2s;
    return !checks.remembers({file, "ann", "sesame", {}}, later);
  });
  CHECK(check(checks, file, "ann", "sesame"));
  checks.stop();
  CHECK_FALSE(checks.submit({file, "ann", "sesame", {}}));
  CHECK(log.str().empty());
}

TEST_CASE("the queue of checks is bounded, and none is reported after the stop") {
  std::ostringstream log;
  const File text("ann:" + kBcrypt + "\n");
  const auto file = std::make_shared<PasswordFile>(text.path);
  std::atomic<bool> open{false};
  std::atomic<int> done{0};
  {
    PasswordChecks checks(log_into(log));
    std::size_t taken = 0;
    const auto block = [&](PasswordVerdict) {
      while (!open) std::this_thread::yield();
      ++done;
    };
    const auto fill = [&](std::uint8_t client) {
      std::size_t of_client = 0;
      while (of_client < 1'000 && checks.submit({file, "ann", "x", block, ClientKey{{client}}})) ++of_client;
      taken += of_client;
      return of_client;
    };
    const auto of_first = fill(1);
    CHECK(of_first >= PasswordChecks::most_waiting_of_client);
    CHECK(of_first <= PasswordChecks::most_waiting_of_client + PasswordChecks::threads);
    for (std::uint8_t client = 2; client <= 8; ++client) (void)fill(client);
    CHECK(taken >= PasswordChecks::most_waiting);
    CHECK(taken <= PasswordChecks::most_waiting + PasswordChecks::threads);
    open = true;
    checks.stop();
    const int reported = done;
    CHECK(static_cast<std::size_t>(reported) <= taken);
  }
}

TEST_CASE("the cache of right passwords forgets the oldest of a row") {
  PasswordCache cache;
  const auto now = std::chrono::steady_clock::now();
  const auto digest = [](std::uint8_t last) {
    PasswordDigest out{};
    out.back() = last;
    return out;
  };
  for (std::uint8_t i = 1; i <= 5; ++i) cache.add(digest(i), now + std::chrono::milliseconds(i));
  CHECK_FALSE(cache.has(digest(1), now + 1s));
  for (std::uint8_t i = 2; i <= 5; ++i) CHECK(cache.has(digest(i), now + 1s));
  // The same again takes no second place.
  cache.add(digest(5), now + 1s);
  CHECK(cache.has(digest(2), now + 1s));
}

TEST_CASE("credentials are read from exactly one Authorization field") {
  struct Case {
    std::string name;
    std::vector<std::string_view> values;
    std::string expected;  // `user|password`, or empty
  };
  const std::vector<Case> cases{
      {"RFC 7617's example", {"Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, "Aladdin|open sesame"},
      {"the scheme in any case", {"bAsIc QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, "Aladdin|open sesame"},
      {"more spaces", {"Basic   QWxhZGRpbjpvcGVuIHNlc2FtZQ=="}, "Aladdin|open sesame"},
      {"colons in the password", {"Basic YTpiOmM="}, "a|b:c"},
      {"an empty password", {"Basic YTo="}, "a|"},
      {"none", {}, ""},
      {"two", {"Basic YTo=", "Basic YTo="}, ""},
      {"another scheme", {"Bearer YTo="}, ""},
      {"no scheme", {"YTo="}, ""},
      {"nothing behind it", {"Basic"}, ""},
      {"nothing behind its space", {"Basic "}, ""},
      {"no padding", {"Basic YTo"}, ""},
      {"too much padding", {"Basic YTo====="}, ""},
      {"padding within", {"Basic YT==YTo="}, ""},
      {"bits that no byte has", {"Basic YTp="}, ""},
      {"another alphabet", {"Basic YT_-"}, ""},
      {"a space within", {"Basic YT pi"}, ""},
      {"no colon", {"Basic YWJj"}, ""},
      {"no user", {"Basic OmFi"}, ""},
      {"a zero byte", {"Basic YToAYg=="}, ""},
      {"a line feed", {"Basic YToKYg=="}, ""},
  };
  for (const auto& one : cases) {
    CAPTURE(one.name);
    http::Fields fields;
    for (const auto value : one.values) fields.push_back({"Authorization", value});
    const auto read = read_basic_credentials(fields);
    CHECK((read ? read->user + "|" + read->password : "") == one.expected);
  }
  http::Fields fields;
  const auto longest = "Basic " + std::string(4096, 'Y');
  fields.push_back({"Authorization", longest});
  CHECK_FALSE(read_basic_credentials(fields).has_value());
}

TEST_CASE("a realm is quoted") {
  CHECK(basic_challenge("the \"staff\" \\ room") ==
        "Basic realm=\"the \\\"staff\\\" \\\\ room\", charset=\"UTF-8\"");
}
