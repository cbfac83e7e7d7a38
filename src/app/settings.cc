#include "app/settings.h"

namespace florin::app {

std::string_view name_of(Environment environment) {
    switch (environment) {
        case Environment::Development:
            return "development";
        case Environment::Staging:
            return "staging";
        case Environment::Production:
            return "production";
    }
    return "";
}

}  // namespace florin::app
