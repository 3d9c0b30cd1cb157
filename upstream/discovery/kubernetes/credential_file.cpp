#include "upstream/discovery/kubernetes/credential_file.hpp"

#include <algorithm>
#include <string_view>

#include "wire/net/whole_file.hpp"

namespace tidegate::upstream {
namespace {

constexpr std::size_t most_bytes = 1024 * 1024;
constexpr std::size_t longest_token = 16 * 1024;

conf::Parsed<std::string> refusal(std::string why) {
  return {boost::system::in_place_error, conf::Unreadable{std::move(why)}};
}

}  // namespace

conf::Parsed<std::string> read_token(const std::string& text) {
  constexpr std::string_view blanks = " \t\r\n";
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string::npos) return refusal("holds no token");
  const auto token = text.substr(begin, text.find_last_not_of(blanks) + 1 - begin);
  const auto is_visible = [](char c) { return c > ' ' && c <= '~'; };
  if (token.size() > longest_token || !std::all_of(token.begin(), token.end(), is_visible))
    return refusal("holds no token, which is one word of at most " + std::to_string(longest_token) +
                   " visible characters");
  return {boost::system::in_place_value, token};
}

conf::Parsed<std::string> read_token_file(const std::string& file) {
  const auto text = read_credential_file(file);
  if (!text) return text;
  auto token = read_token(*text);
  return token ? token : refusal(file + " " + token.error().why);
}

conf::Parsed<std::string> read_credential_file(const std::string& file) {
  auto text = net::read_whole_file(file, most_bytes);
  if (!text) return refusal(file + " " + text.error().why);
  return {boost::system::in_place_value, std::move(*text)};
}

}  // namespace tidegate::upstream
