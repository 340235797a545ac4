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

NatsSocket::NatsSocket(const std::vector<HostAddress>& addresses, const NatsPatience& patience) {
  auto left = addresses.size();
  for (const auto& address : addresses) {
    fault_.reset();
    connect(address, patience.part(left--));
    if (!fault_) return;
  }
}

void NatsSocket::connect(const HostAddress& address, const NatsPatience& patience) {
  const auto message = [](int error) { return std::generic_category().message(error); };
  const int descriptor =
      socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
  if (descriptor < 0) {
    fault_ = message(errno);
    return;
  }
  bio_.reset(BIO_new_socket(descriptor, BIO_CLOSE));
  const int yes = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  const auto* const to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(descriptor, to, address.size) == 0) return;
  int error = errno;
  if (error == EINPROGRESS) {
    if (!wait_for(POLLOUT, patience)) {
      fault_ = "it does not answer";
      return;
    }
    socklen_t size = sizeof error;
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size);
  }
  if (error != 0) fault_ = message(error);
}

void NatsSocket::start_tls(const std::string& host, const std::string& ca_file,
                           const NatsPatience& patience) {
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
    } else if (!wait_for(BIO_should_write(tls) ? POLLOUT : POLLIN, patience)) {
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

void NatsSocket::wait(const NatsPatience& patience, bool is_to_write) {
  if (BIO_pending(bio_.get()) == 0) wait_for(is_to_write ? POLLIN | POLLOUT : POLLIN, patience);
}

/// False where patience has ended before there was an event. Where it has ended long ago, as of a
/// thread that was kept from its work, what has come meanwhile counts.
bool NatsSocket::wait_for(int events, const NatsPatience& patience) {
  pollfd socket = {.fd = static_cast<int>(BIO_get_fd(bio_.get(), nullptr)),
                   .events = static_cast<short>(events),
                   .revents = 0};
  do
    if (poll(&socket, 1, static_cast<int>(patience.slice().count())) > 0) return true;
  while (!patience.has_ended());
  return false;
}

}  // namespace bpx::bridge
