// The sources of all upstreams: opened and closed as the configuration asks, and what they say on its way to
// the registry. Control thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "gateway/observe/source_report.hpp"
#include "gateway/process/source_settings.hpp"
#include "upstream/discovery/source.hpp"
#include "upstream/registry.hpp"

namespace spdlog {
class logger;
}

namespace tidegate::gateway {

class Discovery {
 public:
  using Open =
      std::function<std::unique_ptr<upstream::Source>(const SourceSettings&, upstream::SourceEvents)>;

  Discovery(upstream::Registry& registry, std::shared_ptr<spdlog::logger> log, Open open);
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  // Follows what the configuration asks for; its clusters are in the registry already. A source that is the
  // same goes on. What a replaced one has said stays until all that take its place have spoken.
  void apply(const conf::Config& config, upstream::TimePoint now);
  // What another process knew of an upstream: it holds until its sources have spoken here.
  void inherit(const std::string& upstream, std::vector<upstream::DiscoveredEndpoint> endpoints,
               upstream::TimePoint now);
  // What grows old meanwhile. Called about once a second.
  void look(upstream::TimePoint now);

  // Some source has neither told its endpoints nor why it cannot.
  [[nodiscard]] bool awaits_first_word() const;
  // Whether an upstream's endpoints come from sources.
  [[nodiscard]] bool follows(std::string_view upstream) const;
  [[nodiscard]] std::vector<SourceReport> report(upstream::TimePoint now) const;

 private:
  struct Followed;
  struct Earlier;
  struct Cluster;

  Followed* find(const std::string& upstream, upstream::SourceNumber number);
  void open(const std::string& upstream, Cluster& cluster, const SourceSettings& settings,
            upstream::TimePoint now);
  void updated(const std::string& upstream, upstream::SourceNumber number,
               const upstream::DiscoveryUpdate& update);
  void confirmed(const std::string& upstream, upstream::SourceNumber number);
  void failed(const std::string& upstream, upstream::SourceNumber number, std::string why);
  void refresh(const std::string& upstream, Followed& followed, upstream::TimePoint now);
  void part_from_earlier(const std::string& upstream, Cluster& cluster, upstream::TimePoint now);
  [[nodiscard]] static Earlier earlier_of(const Followed& followed, upstream::TimePoint now);
  void set_stale(const std::string& upstream, upstream::SourceNumber number, const std::string& why,
                 upstream::TimePoint now);
  void explain(const std::string& upstream, const Cluster& cluster);

  upstream::Registry& registry_;
  const std::shared_ptr<spdlog::logger> log_;
  const Open open_;
  std::map<std::string, Cluster, std::less<>> clusters_;
  upstream::SourceNumber last_number_ = 0;
};

}  // namespace tidegate::gateway
