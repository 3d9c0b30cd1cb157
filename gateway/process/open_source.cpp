#include "gateway/process/open_source.hpp"

#include <stdexcept>

#include "upstream/discovery/file_source.hpp"

namespace tidegate::gateway {

struct SourceOpener::Shared {
  boost::asio::io_context& context;
};

SourceOpener::SourceOpener(boost::asio::io_context& context) : shared_(new Shared{context}) {}

std::unique_ptr<upstream::Source> SourceOpener::operator()(const SourceSettings& settings,
                                                           upstream::SourceEvents events) const {
  if (const auto* file = std::get_if<conf::FileSource>(&settings.what))
    return std::make_unique<upstream::FileSource>(shared_->context, *file, std::move(events));
  throw std::runtime_error("cannot be followed");
}

}  // namespace tidegate::gateway
