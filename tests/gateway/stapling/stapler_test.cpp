// Fetches of the stapler, and what becomes of their answers.
#include <filesystem>
#include <fstream>

#include <openssl/ocsp.h>

#include "tests/gateway/stapling/scene.hpp"

using namespace tidegate;
using namespace tidegate::gateway;
using namespace tidegate::test;
using namespace std::chrono_literals;

TEST_CASE("a response is asked for by POST, and stapled") {
  Scene t;
  t.start();
  CHECK_FALSE(t.stapled());
  t.wait_for(StapleResult::good);
  CHECK(t.stapled());
  const auto request = t.responder.requests().at(0);
  CHECK(request.method == "POST");
  CHECK(request.target == "/ocsp");
  CHECK("http://" + request.field("Host") + "/ocsp" == t.responder.url());
  CHECK(request.field("Content-Type") == "application/ocsp-request");
  CHECK(request.body == t.server->staples()[0]->inquiry()->request);
  CHECK(t.logged("OCSP: " + t.issued.certificate + ": response of " + t.responder.url() + ", good until "));
  const auto state = t.stapler->report().at(0);
  CHECK(state.file == t.issued.certificate);
  CHECK(state.responder == t.responder.url());
  CHECK(state.expires.value() > t.now + 23h);
  CHECK(state.made.value() < t.now);
}

TEST_CASE("whatever goes wrong is logged and counted, and made good later") {
  Scene t;
  StaplerOptions options;
  StapleResult expected{};
  std::string why;
  Authority impostor;  // of the same name, with another key
  const auto scripted = [&](StapleResult result, const std::string& reason) {
    expected = result;
    why = reason;
  };
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  SECTION("revoked") {
    t.responder.answer(t.ca.say(t.issued, {.status = V_OCSP_CERTSTATUS_REVOKED}));
    scripted(StapleResult::revoked, "the CA has REVOKED this certificate");
  }
  SECTION("unknown") {
    t.responder.answer(t.ca.say(t.issued, {.status = V_OCSP_CERTSTATUS_UNKNOWN}));
    scripted(StapleResult::unknown, "does not know this certificate");
  }
  SECTION("signed by somebody else") {
    t.responder.answer(impostor.say(t.issued));
    scripted(StapleResult::unverified, "the answer's signature is not that of the CA: ");
  }
  SECTION("expired") {
    t.responder.answer(t.ca.say(t.issued, {.to = -1min}));
    scripted(StapleResult::not_current, "the answer expired on ");
  }
  SECTION("tryLater") {
    t.responder.answer(tried_later());
    scripted(StapleResult::refused, "the responder says: trylater");
  }
  SECTION("garbage") {
    t.responder.answer("<html>good</html>");
    scripted(StapleResult::malformed, "the answer is no OCSP response (17 bytes)");
  }
  SECTION("huge, as it says") {
    t.responder.answer_exactly(ok + "Content-Length: 65537\r\n\r\n");
    scripted(StapleResult::http, "the answer is larger than 65536 bytes");
  }
  SECTION("huge, without saying it") {
    t.responder.answer_exactly(ok + "\r\n" + std::string(70'000, 'x'));
    scripted(StapleResult::http, "the answer is larger than 65536 bytes");
  }
  SECTION("a head without end") {
    t.responder.answer_exactly(ok + "X: " + std::string(40'000, 'x'));
    scripted(StapleResult::http, "receive: ");
  }
  SECTION("not HTTP") {
    t.responder.answer_exactly("SSH-2.0-OpenSSH_9.2\r\n\r\n");
    scripted(StapleResult::http, "receive: bad ");
  }
  SECTION("another status") {
    t.responder.answer_exactly("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    scripted(StapleResult::http, "HTTP 503 instead of 200");
  }
  SECTION("a redirect") {
    t.responder.answer_exactly("HTTP/1.1 302 Found\r\nLocation: " + t.responder.url() +
                               "\r\nContent-Length: 0\r\n\r\n");
    scripted(StapleResult::http, "HTTP 302 instead of 200");
  }
  SECTION("cut") {
    t.responder.answer_exactly(ok + "Content-Length: 999\r\n\r\n\x30");
    scripted(StapleResult::unreachable, "receive: the connection ended before the answer did");
  }
  SECTION("slow") {
    t.responder.answer_exactly("");
    options.limits.deadline = 2s;
    scripted(StapleResult::timeout, "no answer within 2000 ms (receive)");
  }
  SECTION("nobody there") {
    t.responder.refuse();
    scripted(StapleResult::unreachable, "connect: Connection refused");
  }
  t.start(options);
  t.wait_for(expected);
  CHECK_FALSE(t.stapled());
  CHECK(t.logged("OCSP: " + t.issued.certificate + ": nothing to staple from " + t.responder.url() + ": "));
  CHECK(t.logged(why));
  CHECK(t.logged("; clients get none"));
  CHECK(t.count(StapleResult::good) == 0);

  t.responder.answer(t.ca.say(t.issued));
  if (why.ends_with("refused")) t.responder.listen();
  t.now += 50s;  // the back-off is a minute, more or less a tenth
  CHECK(t.quiet());
  t.pass(17s);
  t.wait_for(StapleResult::good);
  CHECK(t.stapled());
  CHECK(t.count(expected) == 1);
}

TEST_CASE("a revoked certificate keeps its last good response until that expires") {
  Scene t;
  t.responder.answer(t.ca.say(t.issued, {.to = 1h}));
  t.start();
  t.wait_for(StapleResult::good);
  t.responder.answer(t.ca.say(t.issued, {.status = V_OCSP_CERTSTATUS_REVOKED}));
  t.pass(35min);
  t.wait_for(StapleResult::revoked);
  CHECK(t.stapled());
  CHECK(t.logged("[critical] OCSP: "));
  CHECK(t.logged("; the response in use is good until "));
  t.now += 30min;
  CHECK_FALSE(t.stapled());
}

TEST_CASE("a response is renewed before it expires") {
  Scene t;
  t.responder.answer(t.ca.say(t.issued, {.to = 10h, .now = t.now}));
  t.start();
  t.wait_for(StapleResult::good);
  const auto first = t.server->staples()[0]->at(t.now);
  t.now += 4h;
  CHECK(t.quiet());
  t.responder.answer(t.ca.say(t.issued, {.to = 10h, .now = t.now}));
  t.pass(91min);
  t.wait_for(StapleResult::good, 2);
  const auto second = t.server->staples()[0]->at(t.now);
  CHECK(second->expires == first->expires + 4h);
}

TEST_CASE("a response that is older than the one in use does not replace it") {
  Scene t;
  t.responder.answer(t.ca.say(t.issued, {.from = -1min, .to = 10h}));
  t.start();
  t.wait_for(StapleResult::good);
  const auto first = t.server->staples()[0]->at(t.now);
  t.responder.answer(t.ca.say(t.issued, {.from = -1h, .to = 9h}));
  t.pass(6h);
  t.wait_for(StapleResult::good, 2);
  CHECK(t.server->staples()[0]->at(t.now) == first);
}

TEST_CASE("a clock that is set back does not put off the next fetch") {
  Scene t;
  t.start();
  t.wait_for(StapleResult::good);
  CHECK(t.quiet());
  t.responder.answer(t.ca.say(t.issued, {.now = t.now - 12h}));
  t.pass(-12h);
  t.wait_for(StapleResult::good, 2);
  CHECK(t.quiet());
}

TEST_CASE("listeners with the same certificate cause one fetch, and all have its response") {
  Scene t;
  const auto second = t.serve(t.issued);
  t.start();
  t.stapler->adopt({t.server, nullptr, second});
  t.wait_for(StapleResult::good);
  CHECK(t.quiet());
  CHECK(t.responder.asked() == 1);
  CHECK(t.stapled());
  CHECK(t.stapled(*second));
  CHECK(t.stapler->report().size() == 1);
}

TEST_CASE("contexts that are built anew keep the response of a certificate that is the same") {
  Scene t;
  t.start();
  t.wait_for(StapleResult::good);
  const auto renewed = t.serve(t.issued);
  t.stapler->adopt({renewed});
  CHECK(t.stapled(*renewed));
  CHECK(t.quiet());
  CHECK(t.count(StapleResult::good) == 1);

  const auto other = t.issue();
  t.responder.answer(t.ca.say(other));
  const auto changed = t.serve(other);
  t.stapler->adopt({changed});
  CHECK_FALSE(t.stapled(*changed));
  t.run_until("the other certificate's response", [&] { return t.stapled(*changed); });
  CHECK(t.responder.asked() == 2);
  CHECK(t.stapler->report().size() == 1);
}

TEST_CASE("a fetch goes on over a renewal, and ends with its certificate") {
  Scene t;
  t.responder.answer_exactly("");
  t.start();
  t.run_until("the question", [&] { return t.responder.asked() == 1; });
  const auto renewed = t.serve(t.issued);
  t.stapler->adopt({renewed});
  CHECK(t.quiet());
  t.stapler->adopt({});
  t.run_until("nothing to be left", [&] { return t.stapler->report().empty(); });
  t.responder.answer(t.ca.say(t.issued));
  t.stapler->adopt({renewed});
  t.run_until("the response", [&] { return t.stapled(*renewed); });
}

TEST_CASE("only so many are asked for at once") {
  Scene t;
  t.responder.answer_exactly("");
  StaplerOptions options;
  options.at_once = 2;
  options.limits.deadline = 2s;
  Stapler::Servers servers;
  for (int i = 0; i < 5; ++i) servers.push_back(t.serve(t.issue()));
  t.server = servers.front();
  t.start(options);
  t.stapler->adopt(servers);
  t.run_until("two questions", [&] { return t.responder.asked() == 2; });
  CHECK(t.quiet());
  t.responder.answer("no");
  t.wait_for(StapleResult::timeout, 2);
  t.wait_for(StapleResult::malformed, 3);
}

TEST_CASE("a response from a file is reported and left alone") {
  Scene t;
  net::TlsServerSettings settings;
  settings.identities.push_back({{t.issued.certificate, t.issued.key, {}}, {}, t.ca.staple(t.issued)});
  t.server = net::TlsServer::make(settings, t.keys, t.now);
  t.start();
  CHECK(t.quiet());
  CHECK(t.stapled());
  const auto state = t.stapler->report().at(0);
  CHECK(state.responder.empty());
  CHECK(state.expires.value() > t.now + 23h);
}

TEST_CASE("a file that turns bad leaves the response before it, for the same certificate only") {
  Scene t;
  const auto staple = t.ca.staple(t.issued);
  const auto serve = [&](const Issued& issued) {
    net::TlsServerSettings settings;
    settings.staples_needed = false;
    settings.identities.push_back({{issued.certificate, issued.key, {}}, {}, staple});
    return net::TlsServer::make(settings, t.keys, t.now);
  };
  t.server = serve(t.issued);
  t.start();
  const auto response = t.server->staples().at(0)->at(t.now);
  Authority impostor;
  std::ofstream(staple, std::ios::binary) << impostor.say(t.issued);
  for (int times = 0; times < 2; ++times) {
    t.server = serve(t.issued);
    REQUIRE(t.server->staples().at(0)->fault() != nullptr);
    t.stapler->adopt({t.server});
    CHECK(t.server->staples().at(0)->at(t.now) == response);
  }
  // Another certificate in the same file.
  const auto other = t.issue();
  std::filesystem::copy_file(other.certificate, t.issued.certificate,
                             std::filesystem::copy_options::overwrite_existing);
  std::filesystem::copy_file(other.key, t.issued.key, std::filesystem::copy_options::overwrite_existing);
  t.server = serve(t.issued);
  t.stapler->adopt({t.server});
  CHECK_FALSE(t.stapled());
}

TEST_CASE("the end of the stapler ends its fetches") {
  Scene t;
  t.responder.answer_exactly("");
  t.start();
  t.run_until("the question", [&] { return t.responder.asked() == 1; });
  t.stapler.reset();
}
