#include "wire/net/file_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <sys/inotify.h>
#include <unistd.h>

namespace tidegate::net {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kLongestUnrest = 5;                  // so many times the quiet that is waited for
constexpr std::chrono::milliseconds kLook{2'000};  // without inotify
constexpr int kMostLinks = 16;
constexpr std::uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ATTRIB;

}  // namespace

// Each part of the path may be a link itself: `tidegate.yaml` -> `..data/tidegate.yaml`, `..data` ->
// `..2024_05_01`. The directory that holds a link is where it is moved.
std::vector<std::string> directories_of(const std::string& file) {
  std::vector<std::string> directories;
  std::error_code error;
  fs::path rest = fs::absolute(file, error);
  for (int links = 0; links < kMostLinks && !error; ++links) {
    fs::path way;
    fs::path next;
    for (auto part = rest.begin(); part != rest.end(); ++part) {
      const auto holder = way;
      way /= *part;
      std::error_code none;
      const auto target = fs::read_symlink(way, none);
      const bool last = std::next(part) == rest.end();
      if (!none || last) directories.push_back(holder.string());
      if (none) continue;
      next = target.is_absolute() ? target : holder / target;
      for (auto later = std::next(part); later != rest.end(); ++later) next /= *later;
      break;
    }
    if (next.empty()) break;
    rest = next.lexically_normal();
  }
  std::sort(directories.begin(), directories.end());
  directories.erase(std::unique(directories.begin(), directories.end()), directories.end());
  return directories;
}

struct FileWatch::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& context, std::string name, Listener told, std::chrono::milliseconds pause)
      : file(std::move(name)),
        listener(std::move(told)),
        quiet(pause),
        stamp(stamp_of(file)),
        events(context),
        timer(context) {}

  // The set of directories changes with the links: watches that are there already are the same again.
  void watch() {
    if (!events.is_open()) return;
    for (const auto& directory : directories_of(file)) {
      if (::inotify_add_watch(events.native_handle(), directory.c_str(), kChanges) >= 0) continue;
      if (errno != ENOENT) return give_up(std::strerror(errno));
    }
  }

  void start() {
    const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (descriptor < 0) return give_up(std::strerror(errno));
    events.assign(descriptor);
    watch();
    wait();
  }

  void give_up(const std::string& why) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(kLook).count();
    listener.warn("watch: inotify cannot be used (" + why + "): " + file + " is looked at every " +
                  std::to_string(seconds) + " s");
    boost::system::error_code ignored;
    events.close(ignored);
    look_in(kLook);
  }

  void wait() {
    if (!events.is_open()) return;
    events.async_read_some(boost::asio::buffer(buffer),
                           [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                             if (error || self->stopped) return;
                             self->look_soon();
                             self->wait();
                           });
  }

  void look_soon() {
    const auto now = Clock::now();
    if (!unrest_since) unrest_since = now;
    const auto latest = *unrest_since + kLongestUnrest * quiet;
    look_in(std::chrono::duration_cast<std::chrono::milliseconds>(std::min(now + quiet, latest) - now));
  }

  void look_in(std::chrono::milliseconds time) {
    timer.expires_after(time);
    timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error && !self->stopped) self->look();
    });
  }

  void look() {
    unrest_since.reset();
    watch();
    if (!events.is_open()) look_in(kLook);
    const auto now = stamp_of(file);
    // In the middle of being replaced there may be none for a moment.
    if (now == stamp || now == FileStamp{}) return;
    stamp = now;
    listener.changed();
  }

  void stop() {
    stopped = true;
    timer.cancel();
    boost::system::error_code ignored;
    events.close(ignored);
    listener = {};
  }

  const std::string file;
  Listener listener;
  const std::chrono::milliseconds quiet;
  std::optional<Clock::time_point> unrest_since;  // of the first event that was not looked at
  FileStamp stamp;
  boost::asio::posix::stream_descriptor events;
  boost::asio::steady_timer timer;
  alignas(inotify_event) std::array<char, 4096> buffer{};
  bool stopped = false;
};

FileWatch::FileWatch(boost::asio::io_context& context, std::string file, Listener listener,
                     std::chrono::milliseconds quiet)
    : state_(std::make_shared<State>(context, std::move(file), std::move(listener), quiet)) {
  state_->start();
}

FileWatch::~FileWatch() {
  state_->stop();
}

}  // namespace tidegate::net
