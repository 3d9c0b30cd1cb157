// Opens sources of discovery.
#pragma once

#include <memory>
#include <utility>

#include <boost/asio/io_context.hpp>

#include "gateway/process/source_settings.hpp"
#include "upstream/discovery/source.hpp"

namespace tidegate::gateway {

// Control thread only; copies share what their sources have in common.
class SourceOpener {
 public:
  explicit SourceOpener(boost::asio::io_context& context);
  // Throws std::exception for what cannot be followed here; a sentence that says why.
  [[nodiscard]] std::unique_ptr<upstream::Source> operator()(const SourceSettings& settings,
                                                             upstream::SourceEvents events) const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace tidegate::gateway
