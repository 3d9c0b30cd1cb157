#include "upstream/discovery/kubernetes/kubernetes_endpoints.hpp"

#include <optional>
#include <random>
#include <set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "upstream/discovery/kubernetes/api_refusal.hpp"
#include "upstream/discovery/kubernetes/api_request.hpp"
#include "upstream/discovery/kubernetes/api_target.hpp"
#include "upstream/discovery/kubernetes/back_off.hpp"
#include "upstream/discovery/kubernetes/line_splitter.hpp"
#include "upstream/discovery/kubernetes/slice_table.hpp"
#include "upstream/discovery/kubernetes/watch_event.hpp"

namespace tidegate::upstream {
namespace {

using Clock = std::chrono::steady_clock;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t most_page = 16 * 1024 * 1024;
constexpr std::size_t most_refusal = 64 * 1024;
constexpr std::size_t longest_event = 4 * 1024 * 1024;  // etcd holds objects of 1.5 MiB
constexpr std::size_t most_pages = 1000;
constexpr std::size_t most_listed = 20'000;
constexpr std::size_t most_warnings = 32;
constexpr auto margin = 10s;  // of the server, to end a watch
// A watch that ends sooner is one that the server did not keep, and does not lead to the next one at once.
constexpr auto shortest_watch = 1s;
// One that ends sooner than this was cut: the next one comes a moment later.
constexpr auto long_watch = 30s;

}  // namespace

// What is asked now, and all that was heard. It goes with its KubernetesEndpoints, or with the last call of
// an event that destroys that.
class KubernetesEndpoints::Follower : public std::enable_shared_from_this<Follower> {
 public:
  Follower(boost::asio::io_context& context, conf::KubernetesSource source, SourceEvents events,
           KubernetesOptions options)
      : context_(context),
        source_(std::move(source)),
        events_(std::make_shared<const SourceEvents>(std::move(events))),
        options_(std::move(options)),
        timer_(context),
        random_(options_.seed),
        table_(source_) {}

  void start() { ask_after(0ms); }

  // From now on nothing is told.
  void abandon() {
    events_ = nullptr;
    request_.reset();
    timer_.cancel();
  }

 private:
  // === asking ===

  void ask_after(std::chrono::milliseconds span) {
    request_.reset();
    timer_.expires_after(span);
    timer_.async_wait([weak = weak_from_this()](const error_code& cancelled) {
      const auto self = weak.lock();
      if (!cancelled && self && self->events_) self->ask();
    });
  }

  void ask() {
    auto access = source_.kubeconfig.empty() ? read_service_account(options_.account)
                                             : read_kubeconfig(source_.kubeconfig);
    if (!access) return fail("Kubernetes cannot be asked: " + access.error().why);
    access_ = std::move(*access);
    selection_ = {source_.name_space.empty() ? access_.name_space : source_.name_space, source_.service};
    // A version is one of its server's and of no other's.
    auto place = access_.text() + access_.path + " " + selection_.name_space;
    if (std::exchange(place_, place) != place) begin_list();
    watching_ = !version_.empty();
    status_ = 0;
    body_.clear();
    lines_ = LineSplitter(longest_event);

    ApiQuestion question{access_, list_target(selection_, next_)};
    question.head = options_.answer;
    if (watching_) {
      const auto least = options_.watch.count();
      const std::chrono::seconds span(std::uniform_int_distribution(least, 2 * least)(random_));
      question.target = watch_target(selection_, version_, span);
      question.body = span + margin;
    }
    request_.emplace(context_, std::move(question), make_events());
  }

  ApiEvents make_events() {
    // Each holds it while it runs, for what it tells may destroy the KubernetesEndpoints.
    const auto held = [weak = weak_from_this()](auto&& call) {
      if (const auto self = weak.lock(); self && self->events_) call(*self);
    };
    return {[held](int status) { held([&](Follower& self) { self.answered(status); }); },
            [held](std::string_view bytes) { held([&](Follower& self) { self.came(bytes); }); },
            [held](const std::string& why) { held([&](Follower& self) { self.ended(why); }); }};
  }

  void answered(int status) {
    status_ = status;
    began_ = Clock::now();
    heard_ = false;
    if (status == 200 && watching_) confirm();
  }

  void came(std::string_view bytes) {
    if (status_ == 200 && watching_) return follow(bytes);
    const auto most = status_ == 200 ? most_page : most_refusal;
    if (body_.size() + bytes.size() <= most) {
      body_.append(bytes);
    } else if (status_ == 200) {
      fail_asking("a page of its list has more than " + std::to_string(most) + " bytes");
    }
  }

  void ended(const std::string& why) {
    if (status_ != 0 && status_ != 200) return refused();
    if (!watching_) return why.empty() ? turn_page() : fail_asking(why);
    if (status_ == 0) return fail_asking(why);
    // A watch has ended, by its time or by a cut, in the middle of an event perhaps: that part is forgotten,
    // and comes again after the last version.
    const auto lasted = Clock::now() - began_;
    if (lasted < shortest_watch && !heard_)
      return fail_asking("it ended a watch at once" + (why.empty() ? why : ": " + why));
    // Bookmarks come about once a minute. A server that was put back to an earlier state may have none for
    // the version that it was asked to go on from, and will say nothing for ever.
    const bool silent = Clock::now() - told_ >= options_.silence;
    if (silent) begin_list();
    if (lasted >= shortest_watch) anew_ = false;
    failures_ = 0;
    ask_after(lasted >= long_watch ? 0ms : back_off(1, jitter()));
    if (why.empty() && !silent) confirm();
  }

  void refused() {
    // Of a version, or of a page in the middle of a list.
    if (status_ == 410) return begin_anew();
    const ApiRefusal refusal{status_, watching_, selection_.name_space, read_status_message(body_)};
    fail("the Kubernetes API server " + access_.text() + " " + describe(refusal, access_));
  }

  // === list ===

  void begin_list() {
    version_.clear();
    next_.clear();
    pages_ = 0;
    listed_.clear();
  }

  // The server has forgotten what it was asked to go on from. Once that is nothing to complain of.
  void begin_anew() {
    begin_list();
    if (std::exchange(anew_, true)) return fail_asking("what it listed is too old at once (410)");
    ask_after(0ms);
  }

  void turn_page() {
    auto page = read_page(body_);
    if (!page) return fail_asking(page.error().why);
    if (++pages_ > most_pages || listed_.size() > most_listed) return fail_asking("its list has no end");
    for (const auto& slice : page->unreadable) {
      listed_.insert(slice.name);  // what was known of it stays
      complain(slice.why);
      if (!events_) return;
    }
    for (const auto& slice : page->slices) {
      listed_.insert(slice.name);
      put(slice);
    }
    next_ = page->next;
    if (next_.empty()) end_list(page->version);
    if (events_) ask_after(0ms);
  }

  void end_list(const std::string& version) {
    table_.keep_only(listed_);
    if (listed_.empty())
      warnings_.push_back("namespace " + selection_.name_space + " has no EndpointSlice of a Service named " +
                          selection_.service + "; if the name is right, the Service has no pods yet");
    begin_list();
    version_ = version;
    told_ = Clock::now();
    take("no EndpointSlice lists it any more");
  }

  // === watch ===

  void follow(std::string_view bytes) {
    lines_.append(bytes);
    while (const auto line = lines_.next()) {
      if (line->empty()) continue;
      const auto event = read_watch_event(*line);
      if (!event) {
        begin_list();
        return fail_asking(event.error().why);
      }
      if (const auto* const error = std::get_if<WatchError>(&event->what)) return end_watch(*error);
      heard_ = true;
      told_ = Clock::now();
      failures_ = 0;
      version_ = event->version;
      hear(*event);
      if (!events_) return;
    }
    if (!lines_.too_long()) return;
    begin_list();
    fail_asking("an event of its watch has more than " + std::to_string(longest_event) + " bytes");
  }

  void hear(const WatchEvent& event) {
    if (const auto* const stands = std::get_if<SliceStands>(&event.what)) {
      put(stands->slice);
      return take("slice " + stands->slice.name + " lists it no longer");
    }
    if (const auto* const deleted = std::get_if<SliceDeleted>(&event.what)) {
      table_.remove(deleted->name);
      return take("slice " + deleted->name + " was deleted");
    }
    if (const auto* const unreadable = std::get_if<UnreadableSlice>(&event.what))
      return complain(unreadable->why);
    confirm();
  }

  void end_watch(const WatchError& error) {
    if (Clock::now() - began_ >= shortest_watch) anew_ = false;
    if (error.code == 410) return begin_anew();
    begin_list();
    fail_asking("it ended the watch with " + std::to_string(error.code) + " (" + error.message + ")");
  }

  // === telling ===
  // Each may destroy the KubernetesEndpoints, whereupon there are no events.

  void put(const EndpointSlice& slice) {
    auto unused = table_.put(slice);
    if (unused) warnings_.push_back("namespace " + selection_.name_space + ": " + *unused);
  }

  void take(const std::string& cause) {
    auto warnings = std::exchange(warnings_, {});
    if (const auto fault = table_.fault()) return complain(*fault);
    auto updates = table_.take(cause);
    const auto events = events_;
    if (updates.empty()) events->confirm();
    for (auto& update : updates) {
      if (events_) events->update(std::move(update));
    }
    for (auto& warning : warnings) {
      if (!events_ || warned_.size() >= most_warnings) return;
      if (warned_.insert(warning).second) events->warn(std::move(warning));
    }
  }

  void confirm() {
    if (table_.fault()) return;
    const auto events = events_;
    events->confirm();
  }

  // Of what the slices say; the asking goes on.
  void complain(const std::string& why) {
    const auto events = events_;
    events->fail("Kubernetes namespace " + selection_.name_space + ": " + why);
  }

  void fail_asking(const std::string& why) {
    fail("the Kubernetes API server " + access_.text() + " cannot be asked: " + why);
  }

  // A list begins anew, a watch goes on from its version.
  void fail(std::string why) {
    if (version_.empty()) begin_list();
    ask_after(back_off(++failures_, jitter()));
    const auto events = events_;
    events->fail(std::move(why));
  }

  double jitter() { return std::uniform_real_distribution(0.0, 1.0)(random_); }

  boost::asio::io_context& context_;
  const conf::KubernetesSource source_;
  std::shared_ptr<const SourceEvents> events_;  // null once abandoned
  const KubernetesOptions options_;
  boost::asio::steady_timer timer_;
  std::mt19937_64 random_;
  SliceTable table_;

  std::string place_;    // the server and namespace that were asked last
  std::string version_;  // from which to watch; empty: a list is due
  std::string next_;     // page of the list; empty: the first
  std::size_t pages_ = 0;
  std::set<std::string> listed_;  // slices, by the list that has begun
  int failures_ = 0;              // in a row
  bool anew_ = false;             // a list has begun because the server had forgotten something

  // Of the request under way.
  ApiAccess access_;
  SliceSelection selection_;
  bool watching_ = false;
  int status_ = 0;           // 0: no answer yet
  Clock::time_point began_;  // when the answer did
  bool heard_ = false;       // anything of the watch
  Clock::time_point told_;   // when a list or an event came last
  std::string body_;
  LineSplitter lines_{longest_event};
  std::optional<ApiRequest> request_;

  std::vector<std::string> warnings_;  // not told yet
  std::set<std::string> warned_;
};

KubernetesEndpoints::KubernetesEndpoints(boost::asio::io_context& context, conf::KubernetesSource source,
                                         SourceEvents events, KubernetesOptions options)
    : follower_(
          std::make_shared<Follower>(context, std::move(source), std::move(events), std::move(options))) {
  follower_->start();
}

KubernetesEndpoints::~KubernetesEndpoints() {
  follower_->abandon();
}

}  // namespace tidegate::upstream
