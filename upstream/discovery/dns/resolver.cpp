#include "upstream/discovery/dns/resolver.hpp"

#include <array>
#include <deque>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <unistd.h>

#include "conf/addresses.hpp"
#include "upstream/discovery/dns/ares_channel.hpp"
#include "upstream/discovery/dns/hosts_file.hpp"
#include "upstream/discovery/dns/names.hpp"
#include "wire/net/file_stamp.hpp"
#include "wire/net/socket_address.hpp"
#include "wire/net/whole_file.hpp"

namespace tidegate::upstream::dns {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::uint16_t dns_port = 53;
constexpr std::size_t largest_resolv_conf = 64 * 1024;
constexpr std::size_t largest_hosts = 4 * 1024 * 1024;
constexpr auto look_gap = 1s;  // between two looks at whether resolv.conf has changed

// With its port, and brackets where they are needed.
std::string server_text(const std::string& written) {
  const auto bare = net::SocketAddress::from_ip(written, dns_port);
  if (bare) return conf::Address{written, dns_port, {}}.text();
  const auto address = conf::parse_endpoint_address(written);
  if (address && !address->is_unix() && net::SocketAddress::from_ip(address->host, address->port)) {
    return address->text();
  }
  throw std::invalid_argument("the DNS server " + conf::quote(written) +
                              " is no IP address: write `10.0.0.10`, `10.0.0.10:5353` or `[fd00::10]:53`");
}

std::string own_host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? std::string(name.data()) : std::string();
}

// RFC 6761 6.3.
Answer local_answer(RecordType type) {
  Answer answer;
  answer.kind = AnswerKind::records;
  answer.ttl = std::chrono::hours(1);
  if (type == RecordType::a) {
    answer.addresses = {"127.0.0.1"};
  } else if (type == RecordType::aaaa) {
    answer.addresses = {"::1"};
  } else {
    answer.kind = AnswerKind::no_records;
    answer.why = std::string("no ") + text_of(type) + " record";
  }
  return answer;
}

}  // namespace

class Resolver::Queue : public std::enable_shared_from_this<Queue> {
 public:
  Queue(asio::io_context& context, conf::Resolver settings, Options options);

  void ask(std::string name, RecordType type, Callback callback);
  [[nodiscard]] std::vector<std::string> names_for(const std::string& name);
  [[nodiscard]] std::string servers() const;
  [[nodiscard]] double draw_jitter() { return std::uniform_real_distribution(-1.0, 1.0)(random_); }
  [[nodiscard]] const conf::Resolver& settings() const { return settings_; }
  [[nodiscard]] asio::io_context& context() const { return context_; }
  void end() { channel_.reset(); }

 private:
  struct Question {
    std::string name;
    RecordType type;
    Callback callback;
  };

  void look_at_files();
  void read_resolv_conf();
  void read_hosts();
  void pump();
  [[nodiscard]] bool make_channel();
  void begin(Question question);
  void finish(const Callback& callback, Answer answer);

  asio::io_context& context_;
  conf::Resolver settings_;
  Options options_;
  std::mt19937_64 random_;
  ResolvConf resolv_conf_;
  net::FileStamp resolv_conf_stamp_;
  HostsFile hosts_;
  net::FileStamp hosts_stamp_;
  std::optional<Clock::time_point> looked_;
  std::vector<std::string> servers_;
  std::unique_ptr<AresChannel> channel_;
  // Other servers than those of the channel: it is made anew once its questions have ended, since c-ares
  // changes no servers while it asks.
  bool outdated_ = false;
  std::string channel_fault_;
  std::deque<Question> waiting_;
  std::size_t under_way_ = 0;
};

Resolver::Queue::Queue(asio::io_context& context, conf::Resolver settings, Options options)
    : context_(context),
      settings_(std::move(settings)),
      options_(std::move(options)),
      random_(options_.seed) {
  for (const auto& server : settings_.servers) servers_.push_back(server_text(server));
  look_at_files();
}

// === resolv.conf and hosts ===

void Resolver::Queue::look_at_files() {
  const auto now = Clock::now();
  if (looked_ && now - *looked_ < look_gap) return;
  const auto resolv_conf = net::stamp_of(options_.resolv_conf);
  if (!looked_ || !(std::exchange(resolv_conf_stamp_, resolv_conf) == resolv_conf)) read_resolv_conf();
  const auto hosts = net::stamp_of(options_.hosts);
  if (!(std::exchange(hosts_stamp_, hosts) == hosts)) read_hosts();
  looked_ = now;
}

void Resolver::Queue::read_hosts() {
  const auto text = net::read_whole_file(options_.hosts, largest_hosts);
  hosts_ = text ? HostsFile(*text) : HostsFile();
}

// A file that is gone or cannot be read is one without lines at first; later what was read before stays.
void Resolver::Queue::read_resolv_conf() {
  const auto text = net::read_whole_file(options_.resolv_conf, largest_resolv_conf);
  if (!text) resolv_conf_stamp_ = {};  // to be tried again
  if (!text && looked_) return;
  resolv_conf_ = parse_resolv_conf(text ? *text : std::string(), own_host_name());
  if (!settings_.servers.empty()) return;
  std::vector<std::string> servers;
  for (const auto& server : resolv_conf_.servers) servers.push_back(server_text(server));
  if (servers != servers_) outdated_ = channel_ != nullptr;
  servers_ = std::move(servers);
}

std::vector<std::string> Resolver::Queue::names_for(const std::string& name) {
  look_at_files();
  if (hosts_.has(name)) return {name};
  return search_names(name, settings_.search ? *settings_.search : resolv_conf_.search,
                      settings_.ndots.value_or(resolv_conf_.ndots));
}

std::string Resolver::Queue::servers() const {
  std::string text;
  for (const auto& server : servers_) text += (text.empty() ? "" : ", ") + server;
  return text;
}

// === questions ===

void Resolver::Queue::ask(std::string name, RecordType type, Callback callback) {
  look_at_files();
  waiting_.push_back({std::move(name), type, std::move(callback)});
  pump();
}

void Resolver::Queue::pump() {
  if (outdated_ && under_way_ == 0) {
    channel_.reset();
    outdated_ = false;
  }
  while (!outdated_ && !waiting_.empty() && under_way_ < options_.most_questions) {
    auto question = std::move(waiting_.front());
    waiting_.pop_front();
    begin(std::move(question));
  }
}

bool Resolver::Queue::make_channel() {
  try {
    channel_ = std::make_unique<AresChannel>(context_,
                                             ChannelSettings{servers_, settings_.timeout, settings_.tries});
  } catch (const std::runtime_error& error) {
    channel_fault_ = error.what();
  }
  return channel_ != nullptr;
}

void Resolver::Queue::begin(Question question) {
  ++under_way_;
  // From c-ares the answer is only posted: whoever hears it may destroy all of this, and ask again.
  auto hear = [weak = weak_from_this(), &context = context_,
               callback = std::move(question.callback)](Answer answer) mutable {
    asio::post(context, [weak, callback = std::move(callback), answer = std::move(answer)]() mutable {
      if (const auto self = weak.lock()) self->finish(callback, std::move(answer));
    });
  };
  if (is_local_host(question.name)) {
    hear(local_answer(question.type));
    return;
  }
  if (hosts_.has(question.name)) {
    hear(hosts_.answer(question.name, question.type));
    return;
  }
  if (channel_ == nullptr && !make_channel()) {
    Answer answer;
    answer.why = channel_fault_;
    hear(std::move(answer));
    return;
  }
  channel_->ask(question.name, question.type, std::move(hear));
}

void Resolver::Queue::finish(const Callback& callback, Answer answer) {
  --under_way_;
  pump();
  callback(std::move(answer));
}

// === the public face ===

Resolver::Resolver(asio::io_context& context, conf::Resolver settings)
    : Resolver(context, std::move(settings), Options()) {}

Resolver::Resolver(asio::io_context& context, conf::Resolver settings, Options options)
    : queue_(std::make_shared<Queue>(context, std::move(settings), std::move(options))) {}

Resolver::~Resolver() {
  queue_->end();
}

void Resolver::ask(std::string name, RecordType type, Callback callback) {
  queue_->ask(std::move(name), type, std::move(callback));
}

std::vector<std::string> Resolver::names_for(const std::string& name) {
  return queue_->names_for(name);
}

std::string Resolver::servers() const {
  return queue_->servers();
}

double Resolver::draw_jitter() {
  return queue_->draw_jitter();
}

const conf::Resolver& Resolver::settings() const {
  return queue_->settings();
}

asio::io_context& Resolver::context() const {
  return queue_->context();
}

}  // namespace tidegate::upstream::dns
