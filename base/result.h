// Errors of start-up and I/O: a value, or one line for a person that says what is wrong and how to mend it.
#pragma once

#include <fmt/format.h>

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace mpower {

template <class T>
using Result = tl::expected<T, std::string>;

/// The error side of a Result, formatted by fmt: `return fail("{}: not an ELF file", path);`
template <class... Args>
tl::unexpected<std::string> fail(fmt::format_string<Args...> format, Args&&... args) {
    return tl::unexpected<std::string>(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace mpower
