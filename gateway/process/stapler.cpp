#include "gateway/process/stapler.hpp"

#include <algorithm>

#include <spdlog/logger.h>

namespace tidegate::gateway {
namespace {

// Clocks are set while one waits.
constexpr std::chrono::milliseconds longest_wait{30'000};
constexpr std::chrono::milliseconds shortest_wait{1};

StapleResult result_of(OcspFetchFailure::Kind kind) {
  switch (kind) {
    case OcspFetchFailure::Kind::unreachable: return StapleResult::unreachable;
    case OcspFetchFailure::Kind::timeout: return StapleResult::timeout;
    case OcspFetchFailure::Kind::http: return StapleResult::http;
  }
  return StapleResult::unreachable;
}

StapleResult result_of(net::OcspFault fault) {
  switch (fault) {
    case net::OcspFault::malformed: return StapleResult::malformed;
    case net::OcspFault::refused: return StapleResult::refused;
    case net::OcspFault::unverified: return StapleResult::unverified;
    case net::OcspFault::not_current: return StapleResult::not_current;
    case net::OcspFault::revoked: return StapleResult::revoked;
    case net::OcspFault::unknown: return StapleResult::unknown;
  }
  return StapleResult::malformed;
}

// What clients are sent after a failure.
std::string consequence(const net::OcspInquiry& inquiry, const net::OcspResponse* response,
                        net::WallTime now) {
  if (response != nullptr && response->expires > now)
    return "the response in use is good until " + net::day_of(response->expires);
  return inquiry.must_staple ? "clients get none, and are to refuse this certificate without (RFC 7633)"
                             : "clients get none";
}

std::string digest_of(const net::Certificate& certificate) {
  std::array<unsigned char, 32> digest{};
  unsigned size = 0;
  ::X509_digest(certificate.leaf.get(), ::EVP_sha256(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

}  // namespace

Stapler::Stapler(boost::asio::io_context& context, std::shared_ptr<spdlog::logger> log,
                 StaplerOptions options)
    : context_(context),
      log_(std::move(log)),
      options_(std::move(options)),
      files_(options_.folder),
      timer_(context) {}

Stapler::~Stapler() = default;

Stapler::Key Stapler::key_of(const net::Certificate& certificate, const net::TlsStaple& staple) {
  const auto* const inquiry = staple.inquiry();
  if (inquiry == nullptr) return {certificate.files.certificate, {}, digest_of(certificate)};
  return {certificate.files.certificate, inquiry->responder.url, inquiry->request};
}

void Stapler::adopt(const Servers& servers) {
  Subjects adopted;
  for (const auto& server : servers) {
    if (!server) continue;
    for (std::size_t i = 0; i < server->staples().size(); ++i) {
      const auto& staple = server->staples()[i];
      if (staple) enlist(adopted, key_of(server->certificates()[i], *staple), staple);
    }
  }
  subjects_ = std::move(adopted);
  look();
}

void Stapler::enlist(Subjects& subjects, const Key& key, const std::shared_ptr<net::TlsStaple>& staple) {
  const auto [place, fresh] = subjects.try_emplace(key);
  auto& subject = place->second;
  const auto known = subjects_.find(key);
  if (fresh && staple->inquiry() == nullptr) {
    subject.response = staple->newest();
    if (staple->fault() != nullptr && known != subjects_.end()) subject.response = known->second.response;
  } else if (fresh && known != subjects_.end()) {
    subject = std::move(known->second);
    subject.staples.clear();
  } else if (fresh) {
    recall(key, subject, *staple->inquiry());
  }
  subject.staples.push_back(staple);
  const bool own = staple->inquiry() == nullptr && staple->fault() == nullptr;
  if (!own && subject.response) staple->set(subject.response);
}

void Stapler::recall(const Key& key, Subject& subject, const net::OcspInquiry& inquiry) {
  auto kept = files_.read(inquiry, options_.now());
  if (!kept) return;
  subject.response = std::make_shared<const net::OcspResponse>(std::move(*kept));
  log_->info("OCSP: {}: response kept in {}, good until {}", key.file, options_.folder,
             net::day_of(subject.response->expires));
}

// One that is due, the longest waiting first.
Stapler::Subjects::iterator Stapler::earliest() {
  auto found = subjects_.end();
  for (auto subject = subjects_.begin(); subject != subjects_.end(); ++subject) {
    if (subject->first.responder.empty() || subject->second.fetch) continue;
    if (found == subjects_.end() || subject->second.next < found->second.next) found = subject;
  }
  return found;
}

void Stapler::look() {
  const auto now = options_.now();
  // Nothing is waited for that was planned by a clock which has been set back since.
  for (auto& [key, subject] : subjects_) {
    if (subject.asked > now) subject.next = net::WallTime::min();
  }
  auto running = std::count_if(subjects_.begin(), subjects_.end(),
                               [](const auto& entry) { return entry.second.fetch != nullptr; });
  for (; running < options_.at_once; ++running) {
    const auto due = earliest();
    if (due == subjects_.end() || due->second.next > now) break;
    begin(due->first, due->second);
  }
  arm();
}

void Stapler::arm() {
  const auto next = earliest();
  if (next == subjects_.end()) return;  // all are underway, or there are none
  const auto now = options_.now();
  const auto wait = next->second.next <= now
                        ? longest_wait  // it waits for its turn, which the end of another one gives
                        : std::chrono::ceil<std::chrono::milliseconds>(next->second.next - now);
  timer_.expires_after(std::clamp(wait, shortest_wait, longest_wait));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) look();
  });
}

void Stapler::begin(const Key& key, Subject& subject) {
  const auto& inquiry = *subject.staples.front()->inquiry();
  subject.asked = options_.now();
  subject.fetch =
      std::make_unique<OcspFetch>(context_, inquiry.responder, inquiry.request, options_.limits,
                                  [this, key](OcspFetch::Result result) { end(key, std::move(result)); });
}

void Stapler::end(const Key& key, OcspFetch::Result result) {
  const auto found = subjects_.find(key);
  if (found == subjects_.end()) return;
  auto& subject = found->second;
  const auto done = std::move(subject.fetch);
  if (!result) {
    fail(key, subject, result_of(result.error().kind), result.error().why);
  } else {
    auto judged = net::judge_ocsp_answer(*subject.staples.front()->inquiry(), *result, options_.now());
    if (judged) {
      take(key, subject, std::move(*judged));
    } else {
      fail(key, subject, result_of(judged.error().fault), judged.error().why);
    }
  }
  const StapleFacts facts{subject.asked, subject.failures,
                          subject.response ? std::optional(subject.response->expires) : std::nullopt};
  subject.next = next_fetch(facts, options_.pace, std::uniform_real_distribution(-1.0, 1.0)(random_));
  look();
}

void Stapler::take(const Key& key, Subject& subject, net::OcspResponse response) {
  ++subject.fetches[static_cast<std::size_t>(StapleResult::good)];
  const bool news = !subject.response || subject.failures > 0;
  subject.failures = 0;
  // A cache on the way may know less than was known before.
  if (subject.response && subject.response->made > response.made &&
      subject.response->expires > options_.now())
    return;
  subject.response = std::make_shared<const net::OcspResponse>(std::move(response));
  for (const auto& staple : subject.staples) staple->set(subject.response);
  const auto fault = files_.write(*subject.staples.front()->inquiry(), *subject.response);
  if (!fault.empty()) log_->warn("OCSP: {}: this response will not outlive a restart: {}", key.file, fault);
  if (news)
    log_->info("OCSP: {}: response of {}, good until {}", key.file, key.responder,
               net::day_of(subject.response->expires));
}

void Stapler::fail(const Key& key, Subject& subject, StapleResult result, const std::string& why) {
  ++subject.fetches[static_cast<std::size_t>(result)];
  ++subject.failures;
  const auto level = result == StapleResult::revoked ? spdlog::level::critical : spdlog::level::err;
  const auto left = consequence(*subject.staples.front()->inquiry(), subject.response.get(), options_.now());
  log_->log(level, "OCSP: {}: nothing to staple from {}: {}; {}", key.file, key.responder, why, left);
}

std::vector<StapleState> Stapler::report() const {
  std::vector<StapleState> states;
  for (const auto& [key, subject] : subjects_) {
    auto& state = states.emplace_back();
    state.file = key.file;
    state.responder = key.responder;
    state.fetches = subject.fetches;
    if (!subject.response) continue;
    state.made = subject.response->made;
    state.expires = subject.response->expires;
  }
  return states;
}

}  // namespace tidegate::gateway
