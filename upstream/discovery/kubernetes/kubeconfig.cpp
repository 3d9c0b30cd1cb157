// The file that kubectl uses (client.authentication and clientcmd v1 of Kubernetes): its current context
// only.
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string_view>

#include <openssl/evp.h>
#include <yaml-cpp/yaml.h>

#include "conf/addresses.hpp"
#include "upstream/discovery/kubernetes/api_access.hpp"
#include "upstream/discovery/kubernetes/credential_file.hpp"

namespace tidegate::upstream {
namespace {

// Ends the reading.
class Refusal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

YAML::Node entry(const YAML::Node& map, const std::string& name) {
  if (!map.IsMap()) return YAML::Node(YAML::NodeType::Undefined);
  return map[name];
}

std::string decode_base64(std::string_view text) {
  std::string clean;
  for (const char c : text) {
    if (c != '\n' && c != '\r' && c != ' ') clean += c;
  }
  std::string out(clean.size() / 4 * 3 + 3, '\0');
  const int size =
      ::EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                        reinterpret_cast<const unsigned char*>(clean.data()), static_cast<int>(clean.size()));
  if (size < 0) throw Refusal("is not base64");
  // What OpenSSL counts has the zeros that stand for the padding.
  std::size_t padding = 0;
  while (padding < 2 && padding < clean.size() && clean[clean.size() - 1 - padding] == '=') ++padding;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

class KubeconfigReader {
 public:
  explicit KubeconfigReader(const std::string& file) : file_(file) {}

  ApiAccess read() {
    const auto bytes = read_credential_file(file_);
    if (!bytes) throw Refusal(bytes.error().why);
    root_ = YAML::Load(*bytes);
    const auto current = text(root_, "current-context", "");
    if (current.empty()) refuse("has no current-context; `kubectl config use-context NAME` sets it");
    const auto context = named("contexts", "context", current);
    const auto name_space = text(context, "namespace", "context " + current);
    if (!name_space.empty()) access_.name_space = name_space;
    read_cluster(text(context, "cluster", "context " + current));
    // A user need not be named: who is asked by nobody answers what anybody may know.
    if (const auto user = text(context, "user", "context " + current); !user.empty()) read_user(user);
    return std::move(access_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const { throw Refusal(file_ + " " + why); }

  // The member `of` of the item of a list that has this name.
  YAML::Node named(const char* list, const char* of, const std::string& name) const {
    const auto items = entry(root_, list);
    if (items.IsDefined() && items.IsSequence()) {
      for (const auto& item : items) {
        if (text(item, "name", list) != name) continue;
        const auto found = entry(item, of);
        if (!found.IsDefined() || !found.IsMap()) break;
        return found;
      }
    }
    refuse("has no " + std::string(of) + " " + conf::quote(name) + " among its " + list);
  }

  // Empty where it is not there.
  std::string text(const YAML::Node& map, const std::string& name, const std::string& where) const {
    const auto found = entry(map, name);
    if (!found.IsDefined() || found.IsNull()) return {};
    if (!found.IsScalar()) refuse("has a " + name + " that is no text, in " + where);
    return found.Scalar();
  }

  // PEM from a file or from the very text; `source` becomes the file.
  std::string pem(const YAML::Node& map, const std::string& name, const std::string& where,
                  std::string& source) const {
    source = file_;
    // As kubectl does: the text wins over the file.
    const auto inside = text(map, name + "-data", where);
    try {
      if (!inside.empty()) return decode_base64(inside);
    } catch (const Refusal& refusal) {
      refuse("has a " + name + "-data in " + where + " that " + refusal.what());
    }
    const auto named_file = text(map, name, where);
    if (named_file.empty()) return {};
    source = beside(named_file);
    const auto content = read_credential_file(source);
    if (!content) throw Refusal(content.error().why + " (" + name + " of " + where + " in " + file_ + ")");
    return *content;
  }

  // Paths are relative to the folder of the kubeconfig.
  std::string beside(const std::string& path) const {
    return (std::filesystem::path(file_).parent_path() / path).string();
  }

  void read_cluster(const std::string& name) {
    const auto where = "cluster " + name;
    const auto cluster = named("clusters", "cluster", name);
    if (!text(cluster, "proxy-url", where).empty())
      refuse("has a proxy-url in " + where + ": the API server is asked without a proxy only");
    read_server(text(cluster, "server", where), where);
    access_.server_name = text(cluster, "tls-server-name", where);
    access_.verify = text(cluster, "insecure-skip-tls-verify", where) != "true";
    access_.authorities = pem(cluster, "certificate-authority", where, access_.authorities_file);
  }

  void read_server(std::string_view server, const std::string& where) {
    const auto wrong = [&]() { refuse("has no server like https://HOST:PORT in " + where); };
    access_.tls = server.starts_with("https://");
    if (!access_.tls && !server.starts_with("http://")) wrong();
    server.remove_prefix(access_.tls ? 8 : 7);
    const auto slash = server.find('/');
    if (slash != std::string_view::npos) access_.path = server.substr(slash);
    while (access_.path.ends_with('/')) access_.path.pop_back();
    for (const char c : access_.path) {
      if (c <= ' ' || c > '~' || c == '?' || c == '#') wrong();
    }
    std::string authority(server.substr(0, slash));
    const auto colon = authority.rfind(':');
    const bool has_port = colon != std::string::npos && authority.find(']', colon) == std::string::npos;
    if (!has_port) authority += access_.tls ? ":443" : ":80";
    const auto address = conf::parse_endpoint_address(authority);
    if (!address || address->is_unix()) wrong();
    access_.host = address->host;
    access_.port = address->port;
  }

  void read_user(const std::string& name) {
    const auto where = "user " + name;
    const auto user = named("users", "user", name);
    for (const char* const program : {"exec", "auth-provider"}) {
      if (!entry(user, program).IsDefined()) continue;
      refuse(
          "gets the credentials of " + where + " by " + program +
          ", and tidegate runs no programs for that: give it a token, a tokenFile or a client certificate");
    }
    for (const char* const other : {"username", "password", "as"}) {
      if (!text(user, other, where).empty())
        refuse("has " + std::string(other) + " in " + where +
               ", which is not supported: give it a token, a tokenFile or a client certificate");
    }
    read_user_token(user, where);
    std::string ignored;
    access_.certificate = pem(user, "client-certificate", where, ignored);
    access_.key = pem(user, "client-key", where, ignored);
    if (access_.certificate.empty() != access_.key.empty())
      refuse("has only one of client-certificate and client-key in " + where + "; both are needed");
  }

  // As client-go does: the file wins, because what it holds is renewed.
  void read_user_token(const YAML::Node& user, const std::string& where) {
    const auto token_file = text(user, "tokenFile", where);
    const auto inside = text(user, "token", where);
    if (token_file.empty() && inside.empty()) return;
    if (!token_file.empty()) access_.token_file = beside(token_file);
    const auto token = token_file.empty() ? read_word(inside) : read_word_file(access_.token_file);
    if (token) {
      access_.token = *token;
      return;
    }
    if (token_file.empty()) refuse("has a token in " + where + " that " + token.error().why);
    throw Refusal(token.error().why + " (tokenFile of " + where + " in " + file_ + ")");
  }

  const std::string& file_;
  YAML::Node root_;
  ApiAccess access_;
};

}  // namespace

conf::Parsed<ApiAccess> read_kubeconfig(const std::string& file) {
  const auto refusal = [](std::string why) -> conf::Parsed<ApiAccess> {
    return {boost::system::in_place_error, conf::Unreadable{std::move(why)}};
  };
  try {
    return {boost::system::in_place_value, KubeconfigReader(file).read()};
  } catch (const Refusal& why) {
    return refusal(why.what());
  } catch (const YAML::Exception& error) {
    return refusal(file + " is not YAML that can be read: " + error.what());
  }
}

}  // namespace tidegate::upstream
