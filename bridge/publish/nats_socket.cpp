#include "bridge/publish/nats_socket.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <system_error>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

namespace bpx::bridge {
namespace {

/// What the last call of OpenSSL failed of.
std::string failure() {
  const auto system_error = errno;
  const auto error = ERR_peek_last_error();
  ERR_clear_error();
  if (const auto* reason = ERR_reason_error_string(error)) return reason;
  return std::generic_category().message(ERR_SYSTEM_ERROR(error) ? ERR_GET_REASON(error)
                                                                 : system_error);
}

void clear_failure() {
  errno = 0;
  ERR_clear_error();
}

bool expect_host(SSL* ssl, const std::string& host) {
  if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str()) == 1) return true;
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 && SSL_set1_host(ssl, host.c_str()) == 1;
}

}  // namespace

void NatsSocket::Free::operator()(bio_st* bio) const { BIO_free_all(bio); }

NatsSocket::NatsSocket(const std::string& address, Deadline deadline)
    : bio_(BIO_new_connect(address.c_str())) {
  BIO_set_nbio(bio_.get(), 1);
  clear_failure();
  while (BIO_do_connect(bio_.get()) != 1)
    if (!BIO_should_retry(bio_.get())) {
      fault_ = failure();
      return;
    } else if (!wait(POLLOUT, deadline)) {
      fault_ = "it does not answer";
      return;
    }
  const int yes = 1;
  setsockopt(static_cast<int>(BIO_get_fd(bio_.get(), nullptr)), IPPROTO_TCP, TCP_NODELAY, &yes,
             sizeof yes);
}

void NatsSocket::start_tls(const std::string& host, const std::string& ca_file, Deadline deadline) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()),
                                                                  &SSL_CTX_free);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_default_verify_paths(context.get());
  clear_failure();
  if (!ca_file.empty() && SSL_CTX_load_verify_file(context.get(), ca_file.c_str()) != 1) {
    fault_ = ca_file + ": " + failure();
    return;
  }
  auto* const tls = BIO_new_ssl(context.get(), /*client=*/1);
  bio_.reset(BIO_push(tls, bio_.release()));
  SSL* ssl = nullptr;
  BIO_get_ssl(tls, &ssl);
  if (!expect_host(ssl, host)) {
    fault_ = failure();
    return;
  }
  while (BIO_do_handshake(tls) != 1)
    if (!BIO_should_retry(tls)) {
      const auto verdict = SSL_get_verify_result(ssl);
      fault_ = verdict == X509_V_OK
                   ? failure()
                   : std::string("certificate refused: ") + X509_verify_cert_error_string(verdict);
      return;
    } else if (!wait(BIO_should_write(tls) ? POLLOUT : POLLIN, deadline)) {
      fault_ = "it does not answer in TLS";
      return;
    }
}

std::size_t NatsSocket::write(std::string_view text) {
  if (fault_ || text.empty()) return 0;
  clear_failure();
  return result(BIO_write(bio_.get(), text.data(),
                          static_cast<int>(std::min<std::size_t>(text.size(), INT_MAX))));
}

std::size_t NatsSocket::read(char* to, std::size_t size) {
  if (fault_ || size == 0) return 0;
  clear_failure();
  return result(BIO_read(bio_.get(), to, static_cast<int>(std::min<std::size_t>(size, INT_MAX))));
}

std::size_t NatsSocket::result(int done) {
  if (done > 0) return static_cast<std::size_t>(done);
  if (BIO_should_retry(bio_.get())) return 0;
  const bool has_cause = done < 0 && (errno != 0 || ERR_peek_last_error() != 0);
  fault_ = has_cause ? failure() : "the server ended the connection";
  return 0;
}

void NatsSocket::wait_to_read(Deadline deadline) {
  if (BIO_pending(bio_.get()) == 0) wait(POLLIN, deadline);
}

bool NatsSocket::wait(short events, Deadline deadline) {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd socket = {
      .fd = static_cast<int>(BIO_get_fd(bio_.get(), nullptr)), .events = events, .revents = 0};
  const auto found = poll(&socket, 1, static_cast<int>(std::max(left, milliseconds{0}).count()));
  return found > 0 || (found < 0 && errno == EINTR && left > milliseconds{0});
}

}  // namespace bpx::bridge
