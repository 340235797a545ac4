#include "bridge/revision.hpp"

namespace bpx::bridge {

std::string_view revision() { return BPX_REVISION; }

}  // namespace bpx::bridge
