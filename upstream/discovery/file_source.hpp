// Endpoints that stand in a file, for another system to write (see conf/endpoint_list.hpp).
#pragma once

#include <chrono>
#include <memory>

#include <boost/asio/io_context.hpp>

#include "upstream/discovery/source.hpp"

namespace tidegate::upstream {

// Reads the file when it is made and whenever it changes: written in place, renamed over, or a ConfigMap's
// link moved. What cannot be read whole and without a fault changes nothing; neither does a file that is
// gone. Every `pause` it is looked at in any case: folders may come later, and some file systems tell of
// nothing.
class FileSource final : public Source {
 public:
  FileSource(boost::asio::io_context& context, const conf::FileSource& file, SourceEvents events,
             std::chrono::milliseconds pause = std::chrono::seconds(10));
  ~FileSource() override;

 private:
  struct Reader;  // outlives it while handlers are queued
  std::shared_ptr<Reader> reader_;
};

}  // namespace tidegate::upstream
