#include "gateway/process/config_watch.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>

#include <boost/asio/buffer.hpp>
#include <spdlog/logger.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace tidegate::gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::milliseconds kQuiet{200};   // after the last event
constexpr std::chrono::milliseconds kLook{2'000};  // without inotify
constexpr int kMostLinks = 16;
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_ATTRIB;

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

struct ConfigWatch::State : std::enable_shared_from_this<State> {
  State(boost::asio::io_context& context, std::string name, std::shared_ptr<spdlog::logger> to,
        std::function<void()> call)
      : file(std::move(name)),
        log(std::move(to)),
        changed(std::move(call)),
        stamp(stamp_of(file)),
        events(context),
        timer(context) {}

  // The set of directories changes with the links: watches that are there already are the same again.
  void watch() {
    if (!events.is_open()) return;
    for (const auto& directory : directories_of(file)) {
      if (::inotify_add_watch(events.native_handle(), directory.c_str(), kEvents) >= 0) continue;
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
    log->warn("watch: inotify cannot be used ({}): {} is looked at every {} s", why, file,
              std::chrono::duration_cast<std::chrono::seconds>(kLook).count());
    boost::system::error_code ignored;
    events.close(ignored);
    look_in(kLook);
  }

  void wait() {
    if (!events.is_open()) return;
    events.async_read_some(boost::asio::buffer(buffer),
                           [self = shared_from_this()](boost::system::error_code error, std::size_t) {
                             if (error || self->stopped) return;
                             self->look_in(kQuiet);
                             self->wait();
                           });
  }

  void look_in(std::chrono::milliseconds time) {
    timer.expires_after(time);
    timer.async_wait([self = shared_from_this()](boost::system::error_code error) {
      if (!error && !self->stopped) self->look();
    });
  }

  void look() {
    watch();
    if (!events.is_open()) look_in(kLook);
    const auto now = stamp_of(file);
    // In the middle of being replaced there may be none for a moment.
    if (now == stamp || now == FileStamp{}) return;
    stamp = now;
    log->info("{} has changed", file);
    changed();
  }

  void stop() {
    stopped = true;
    timer.cancel();
    boost::system::error_code ignored;
    events.close(ignored);
    changed = nullptr;
  }

  const std::string file;
  const std::shared_ptr<spdlog::logger> log;
  std::function<void()> changed;
  FileStamp stamp;
  boost::asio::posix::stream_descriptor events;
  boost::asio::steady_timer timer;
  alignas(inotify_event) std::array<char, 4096> buffer{};
  bool stopped = false;
};

ConfigWatch::ConfigWatch(boost::asio::io_context& context, std::string file,
                         std::shared_ptr<spdlog::logger> log, std::function<void()> changed)
    : state_(std::make_shared<State>(context, std::move(file), std::move(log), std::move(changed))) {
  state_->start();
}

ConfigWatch::~ConfigWatch() {
  state_->stop();
}

}  // namespace tidegate::gateway
