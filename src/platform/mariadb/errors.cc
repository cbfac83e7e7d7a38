#include "platform/mariadb/errors.h"

#include <errmsg.h>
#include <mysqld_error.h>

namespace florin::mariadb {
namespace {

// Of the server's file layer, whose numbers its headers for clients do not have.
constexpr unsigned file_system_full = 20;

}  // namespace

ErrorKind kind_of_error(unsigned code, std::string_view state) {
    switch (code) {
        case ER_DUP_ENTRY:
        case ER_DUP_ENTRY_WITH_KEY_NAME:
            return ErrorKind::Duplicate;
        case ER_LOCK_DEADLOCK:
        case ER_CHECKREAD:
            return ErrorKind::Collision;
        case ER_LOCK_WAIT_TIMEOUT:
            return ErrorKind::Blocked;
        case file_system_full:
        case ER_DISK_FULL:
        case ER_ERROR_ON_WRITE:
        case ER_RECORD_FILE_FULL:
        case ER_TOO_MANY_CONCURRENT_TRXS:  // no page for what would undo them
        case ER_TEMP_FILE_WRITE_FAILURE:
            return ErrorKind::NoSpace;
        // A server that has been made to read only is no longer the one to talk to.
        case ER_OPTION_PREVENTS_STATEMENT:
        case ER_READ_ONLY_MODE:
        case ER_CONNECTION_KILLED:
        case ER_QUERY_INTERRUPTED:
        case ER_STATEMENT_TIMEOUT:
        case ER_SERVER_SHUTDOWN:
        case ER_NORMAL_SHUTDOWN:
        case ER_FORCING_CLOSE:
        case ER_NET_READ_INTERRUPTED:
        case ER_NET_READ_ERROR:
        case ER_NET_ERROR_ON_WRITE:
        case ER_NET_WRITE_INTERRUPTED:
            return ErrorKind::Lost;
        // Wrong values whose SQLSTATE says only that something is wrong.
        case ER_NO_DEFAULT_FOR_FIELD:
        case ER_TRUNCATED_WRONG_VALUE:
        case ER_TRUNCATED_WRONG_VALUE_FOR_FIELD:
        case WARN_DATA_TRUNCATED:
        case ER_WRONG_ARGUMENTS:
            return ErrorKind::Refusal;
        default:
            break;
    }
    // The client library's own, but for those that tell of a wrong call.
    if (code >= CR_MIN_ERROR && code <= CR_MAX_ERROR) {
        return code == CR_PARAMS_NOT_BOUND || code == CR_UNSUPPORTED_PARAM_TYPE ||
                       code == CR_NO_PREPARE_STMT
                   ? ErrorKind::Refusal
                   : ErrorKind::Lost;
    }
    const std::string_view of_class = state.substr(0, 2);
    const bool to_blame = of_class == "21" || of_class == "22" || of_class == "23" ||
                          of_class == "42" || of_class == "45";
    return to_blame ? ErrorKind::Refusal : ErrorKind::Fault;
}

const char* advice_on_entry(unsigned code) {
    switch (code) {
        case ER_ACCESS_DENIED_ERROR:
        case ER_ACCESS_DENIED_NO_PASSWORD_ERROR:
        case ER_HOST_NOT_PRIVILEGED:
        case ER_NOT_SUPPORTED_AUTH_MODE:
        case ER_ACCOUNT_HAS_BEEN_LOCKED:
        case CR_AUTH_PLUGIN_CANNOT_LOAD:
        case CR_AUTH_PLUGIN_ERR:
            return "; check the user and the password, from where it may come, and whether it must "
                   "come by TLS";
        case ER_DBACCESS_DENIED_ERROR:
            return "; grant the user the rights to this database";
        case ER_BAD_DB_ERROR:
            return "; create the database, or correct its name";
        case CR_SSL_CONNECTION_ERROR:
            return "; check tls and ca against the server's certificate, or say tls=off when the "
                   "way is safe";
        default:
            return nullptr;
    }
}

}  // namespace florin::mariadb
