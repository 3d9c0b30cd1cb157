#include "gateway/process/staple_files.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <openssl/evp.h>

#include "wire/net/tls_error.hpp"

namespace tidegate::gateway {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "ocsp-";
constexpr std::string_view kEnding = ".der";
constexpr std::chrono::hours kForgotten{24 * 90};

bool is_ours(const fs::path& file) {
  return file.filename().string().starts_with(kPrefix) && file.extension() == kEnding;
}

// 40 hexadecimal digits.
std::string hash_of(const std::string& text) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  ::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha256(), nullptr);
  std::string out;
  for (std::size_t i = 0; i < 20; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    out += digits[digest[i] >> 4];
    out += digits[digest[i] & 15];
  }
  return out;
}

}  // namespace

StapleFiles::StapleFiles(std::string folder) : folder_(std::move(folder)) {
  if (folder_.empty()) return;
  std::error_code error;
  const auto now = fs::file_time_type::clock::now();
  for (fs::directory_iterator entry(folder_, error), end; !error && entry != end; entry.increment(error)) {
    std::error_code ignored;
    const auto written = fs::last_write_time(entry->path(), ignored);
    if (!ignored && is_ours(entry->path()) && now - written > kForgotten) fs::remove(entry->path(), ignored);
  }
}

std::string StapleFiles::path_of(const net::OcspInquiry& inquiry) const {
  auto name = std::string(kPrefix) + hash_of(inquiry.responder.url + '\n' + inquiry.request);
  return folder_ + "/" + name.append(kEnding);
}

std::optional<net::OcspResponse> StapleFiles::read(const net::OcspInquiry& inquiry, net::WallTime now) const {
  if (!enabled()) return std::nullopt;
  try {
    const auto kept = net::read_ocsp_response(path_of(inquiry));
    // Without an end of its own it would begin anew with each restart.
    if (kept.expires == net::WallTime::max()) return std::nullopt;
    auto judged = net::judge_ocsp_answer(inquiry, kept.der, now);
    if (judged) return std::move(*judged);
  } catch (const net::TlsFault&) {
    // There is none, or it was cut: the responder is asked in any case.
  }
  return std::nullopt;
}

std::string StapleFiles::write(const net::OcspInquiry& inquiry, const net::OcspResponse& response) const {
  if (!enabled()) return {};
  const auto path = path_of(inquiry);
  const auto next = path + ".new";
  errno = 0;
  std::ofstream out(next, std::ios::binary | std::ios::trunc);
  out.write(response.der.data(), static_cast<std::streamsize>(response.der.size()));
  out.close();
  if (!out) return next + " cannot be written: " + std::strerror(errno != 0 ? errno : EIO);
  std::error_code error;
  fs::rename(next, path, error);
  return error ? path + " cannot be replaced: " + error.message() : "";
}

}  // namespace tidegate::gateway
