#include "upstream/discovery/file_source.hpp"

#include <chrono>
#include <optional>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "conf/endpoint_list.hpp"
#include "conf/units.hpp"
#include "wire/net/file_watch.hpp"
#include "wire/net/whole_file.hpp"

namespace tidegate::upstream {
namespace {

constexpr std::chrono::milliseconds kQuiet{20};  // a list of endpoints is worth nothing when it is late
constexpr std::size_t kLargest = 4 * 1024 * 1024;

std::string joined(const conf::ConfigErrors& errors) {
  constexpr std::size_t most = 5;
  std::string text;
  for (std::size_t i = 0; i < errors.size() && i < most; ++i)
    text.append(i == 0 ? "" : "; ").append(errors[i].text());
  if (errors.size() > most) text += "; and " + std::to_string(errors.size() - most) + " more";
  return text;
}

}  // namespace

struct FileSource::Reader : std::enable_shared_from_this<Reader> {
  Reader(boost::asio::io_context& io, std::string path, SourceEvents told, std::chrono::milliseconds every)
      : context(io), file(std::move(path)), events(std::move(told)), pause(every), timer(io) {}

  net::FileWatch::Listener listener() {
    const std::weak_ptr<Reader> weak = weak_from_this();
    return {[weak] {
              if (const auto self = weak.lock(); self && !self->stopped) self->read();
            },
            [weak](const std::string& sentence) {
              const auto self = weak.lock();
              if (self && !self->stopped && self->events.warn) self->events.warn(sentence);
            }};
  }

  void start() {
    boost::asio::post(context, [self = shared_from_this()] {
      if (self->stopped) return;
      self->look_later();
      self->begin_watch();
      // Watched first: what is written between the two is seen by either.
      if (!self->stopped) self->read();
    });
  }

  void begin_watch() {
    auto begun = std::make_unique<net::FileWatch>(context, file, listener(), kQuiet);
    if (!stopped) watch = std::move(begun);
  }

  void stop() {
    stopped = true;
    timer.cancel();
    watch.reset();
  }

  // Last in each of these comes what may destroy the source.
  void read() {
    stamp = net::stamp_of(file);
    const auto text = net::read_whole_file(file, kLargest);
    if (!text) return fail(file + ": " + text.error().why);
    // It is being written: the end of that is an event, and seen by the next look too.
    if (net::stamp_of(file) != stamp) return;
    auto list = conf::read_endpoint_list(*text, file);
    if (const auto* errors = std::get_if<conf::ConfigErrors>(&list)) return fail(joined(*errors));
    fault.clear();
    Reset reset;
    reset.cause = "no longer in " + file;
    for (auto& endpoint : std::get<std::vector<conf::Endpoint>>(list)) {
      DiscoveredEndpoint found;
      found.address = std::move(endpoint.address);
      found.weight = endpoint.weight;
      found.name = std::move(endpoint.name);
      reset.endpoints.push_back(std::move(found));
    }
    events.update(std::move(reset));
  }

  void fail(std::string why) {
    fault = why;
    events.fail(std::move(why));
  }

  void look_later() {
    timer.expires_after(pause);
    timer.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error && !self->stopped) self->look();
    });
  }

  // A file that is gone makes no change that is read; one that stays as it is stays true. A change that the
  // watch has not seen, because a folder on the way came later or was replaced, begins it anew.
  void look() {
    look_later();
    const auto now = net::stamp_of(file);
    if (now == net::FileStamp{}) return fail(file + ": is not there any more");
    // Only what stays: in between it may be half written.
    if (now != stamp && std::exchange(seen, now) != now) return;
    if (now != stamp) begin_watch();
    if (stopped) return;
    if (now == stamp && fault.empty()) return events.confirm();
    read();
  }

  boost::asio::io_context& context;
  const std::string file;
  const SourceEvents events;
  const std::chrono::milliseconds pause;
  boost::asio::steady_timer timer;
  std::unique_ptr<net::FileWatch> watch;
  net::FileStamp stamp;  // of what was read last
  net::FileStamp seen;   // by a look, that was another one
  std::string fault;     // of the last look or read; empty: none
  bool stopped = false;
};

FileSource::FileSource(boost::asio::io_context& context, const conf::FileSource& file, SourceEvents events,
                       std::chrono::milliseconds pause)
    : reader_(std::make_shared<Reader>(context, file.path, std::move(events), pause)) {
  reader_->start();
}

FileSource::~FileSource() {
  reader_->stop();
}

}  // namespace tidegate::upstream
