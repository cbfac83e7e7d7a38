#include "web/start_page.h"

#include <string>
#include <utility>

#include "platform/http/server.h"

namespace florin::web {
namespace {

using http::Request;
using http::Response;

constexpr const char* policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'none'";

constexpr const char* head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1"><title>Florin</title><style>
:root{color-scheme:light dark;--line:#8884;--muted:#777}
*{box-sizing:border-box}
body{font:16px/1.6 system-ui,"Noto Sans KR",sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1rem}
h1{margin:0}h2{font-size:1rem;margin:0 0 .5rem}
p{margin:.3rem 0}.muted,small{color:var(--muted)}
main{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:1rem;margin-top:1.5rem}
section{border:1px solid var(--line);border-radius:.6rem;padding:1rem;min-width:0}
ul{list-style:none;margin:0;padding:0}li{padding:.15rem 0}small{display:block;line-height:1.3}
pre{overflow-x:auto;background:#8881;border-radius:.4rem;padding:.7rem;margin:.5rem 0;font-size:.78rem}
</style></head><body>
<h1>Florin</h1>
<p>A payment platform on one machine. <span lang="ko">한 대의 컴퓨터에서 도는 결제 플랫폼입니다.</span></p>
<main>
<section><h2>Try it · <span lang="ko">해 보기</span></h2>
<pre>bin/florin pay
bin/florin webhook listen
bin/florin demo reservation</pre>
<p><a href="/swagger-ui.html">Swagger UI</a> <small>every HTTP call, to try out · <span lang="ko">모든 HTTP API를 바로 호출해 보는 곳</span></small></p>
<p><a href="/openapi.yaml">openapi.yaml</a>, <a href="/openapi.json">openapi.json</a></p>
</section>
<section><h2>Payment gateway simulator · <span lang="ko">결제 게이트웨이 시뮬레이터</span></h2>
<ul>
<li><a href="/api/gateway/payments">Payments</a> <small lang="ko">결제 목록, 최신순</small></li>
<li><a href="/api/gateway/webhooks">Webhook deliveries</a> <small lang="ko">웹훅 전송 내역</small></li>
<li><a href="/api/gateway/dead-letters">Webhooks given up</a> <small lang="ko">전송을 포기한 웹훅</small></li>
</ul></section>
<section><h2>Merchant payments · <span lang="ko">가맹점 결제</span></h2>
<ul>
<li><a href="/circuit-breaker/status">Circuit breakers</a> <small lang="ko">게이트웨이별 서킷 브레이커</small></li>
<li><a href="/api/settlements">Settlement statements</a> <small lang="ko">정산 명세서</small></li>
<li><a href="/api/dead-letters">Dead letters</a> <small lang="ko">처리하지 못한 이벤트</small></li>
</ul></section>
<section><h2>Reservations · <span lang="ko">예약</span></h2>
<ul>
<li><a href="/api/events">Events and their seats</a> <small lang="ko">공연과 좌석</small></li>
<li><a href="/api/reservations">Reservations</a> <small lang="ko">예약 목록</small></li>
</ul></section>
)";

std::string faces(StartPagePorts ports) {
    std::string text = "<section><h2>Other ports · <span lang=\"ko\">다른 포트</span></h2><ul>";
    if (ports.grpc != 0) {
        text.append("<li><code>:")
            .append(std::to_string(ports.grpc))
            .append(
                "</code> gRPC, with reflection <small>payment.v1.PaymentService, "
                "reservation.v1.InventoryService</small></li>");
    }
    if (ports.health != 0) {
        text.append("<li><code>:")
            .append(std::to_string(ports.health))
            .append("</code> <a data-port=\"")
            .append(std::to_string(ports.health))
            .append("\" data-path=\"/health\">/health</a> <a data-path=\"/ready\">/ready</a> ")
            .append(
                "<a data-path=\"/metrics\">/metrics</a> <small lang=\"ko\">상태, 준비, 지표"
                "</small></li>");
    }
    return text.append("</ul></section></main>");
}

// Another port of the host the browser came to, whatever that host is called there.
constexpr const char* tail = R"(<script>
const port=document.querySelector('[data-port]')?.dataset.port;
for(const link of document.querySelectorAll('[data-path]'))
  link.href='http://'+location.hostname+':'+port+link.dataset.path;
</script></body></html>
)";

awaitable<Response> show(std::string page) {
    Response response{.status = 200,
                      .content_type = "text/html; charset=utf-8",
                      .body = std::move(page),
                      .headers = {}};
    response.headers.add("Content-Security-Policy", policy);
    response.headers.add("X-Content-Type-Options", "nosniff");
    response.headers.add("Referrer-Policy", "no-referrer");
    response.headers.add("Cache-Control", "no-cache");
    co_return response;
}

}  // namespace

void add_start_page(http::Router& router, StartPagePorts ports) {
    router.add("GET", "/",
               [page = std::string(head).append(faces(ports)).append(tail)](const Request&) {
                   return show(page);
               });
}

}  // namespace florin::web
