// Tells when a file changes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "wire/net/file_stamp.hpp"

namespace tidegate::net {

// Watches the directories that lead to the file (inotify(7)): the one it is named in and those its symbolic
// links point to. Thereby it sees what editors do, who rename another file over it, and what Kubernetes does
// with a ConfigMap, whose `..data` link is moved to another directory. After the last event it waits for a
// moment, so that several writes are one change, and looks whether the file is another than before; it does
// not wait for ever while others go on writing there. Where inotify cannot be had it looks every two seconds.
// Control thread only.
class FileWatch {
 public:
  struct Listener {
    std::function<void()> changed;
    // A sentence: inotify cannot be had.
    std::function<void(const std::string&)> warn;
  };
  // `quiet`: the moment after the last event.
  FileWatch(boost::asio::io_context& context, std::string file, Listener listener,
            std::chrono::milliseconds quiet = std::chrono::milliseconds(200));
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

 private:
  struct State;  // outlives it while handlers are queued
  std::shared_ptr<State> state_;
};

// The directories to watch for a file: of each name on the way from its own to what it is in the end.
[[nodiscard]] std::vector<std::string> directories_of(const std::string& file);

}  // namespace tidegate::net
