// Boost.Asio, Beast and URL, compiled here once: a translation unit that pulled in their
// implementations would cost tens of seconds each.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
#include <boost/url/src.hpp>
