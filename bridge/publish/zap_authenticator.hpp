#pragma once

#include "bridge/publish/admission.hpp"
#include "bridge/publish/refusals.hpp"

#include <zmq.hpp>

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace bpx::bridge {

/// Answers libzmq's question, for every peer with CURVE, whether it may come in: ZAP, RFC 27. It
/// decides by the domain, which is the endpoint's name, and the client's key; what it does not know
/// it refuses. Only admit() may be called by any thread.
class ZapAuthenticator {
 public:
  /// Binds where libzmq asks. Must be there as long as any socket with CURVE is bound in `context`.
  explicit ZapAuthenticator(zmq::context_t& context);

  /// From now on answers for `domain`, whose refusals go to `refusals`.
  void guard(const std::string& domain, Admission admission, Refusals& refusals);

  /// Replaces whom `domain` admits. Whoever is in already stays in.
  void admit(const std::string& domain, Admission admission);

  /// Readable while a question waits.
  zmq::socket_t& socket() { return socket_; }

  /// Answers the questions that wait.
  void answer();

 private:
  struct Verdict {
    std::string_view status;  ///< 200, 400 or 500
    std::string_view text;
  };
  struct Door {
    Admission admission;
    Refusals* refusals;
  };

  Verdict judge(const std::vector<zmq::message_t>& question);

  zmq::socket_t socket_;
  std::mutex mutex_;  // admissions change on the relaying thread; never taken for a message
  std::map<std::string, Door, std::less<>> doors_;  ///< by domain
};

}  // namespace bpx::bridge
