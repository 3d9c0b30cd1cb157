// Outcomes of socket calls as values.
#pragma once

#include <cerrno>
#include <cstddef>

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>

namespace tidegate::net {

using boost::system::error_code;

// Bytes moved by one call; 0 from a read is the end of the stream.
using IoResult = boost::system::result<std::size_t, error_code>;

// `errno` of the last call as an error code.
[[nodiscard]] inline error_code last_error() {
  return {errno, boost::system::system_category()};
}
[[nodiscard]] inline error_code make_error(int number) {
  return {number, boost::system::system_category()};
}

// The call would have had to wait: not a failure.
[[nodiscard]] inline bool would_block(const error_code& error) {
  return error.value() == EAGAIN && error.category() == boost::system::system_category();
}

}  // namespace tidegate::net
