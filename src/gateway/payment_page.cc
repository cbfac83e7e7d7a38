#include "gateway/payment_page.h"

namespace florin::gateway {
namespace {

constexpr const char* style = R"(<style>
:root{color-scheme:light dark;--line:#8884;--muted:#777}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,"Noto Sans KR",sans-serif;max-width:40rem;margin:0 auto;padding:2rem 1rem}
h1{font-size:1.1rem;margin:0 0 1rem;color:var(--muted)}
.amount{font-size:2.2rem;font-weight:700}
.status{display:inline-block;padding:.2rem .8rem;border-radius:1rem;background:#8883;font-weight:600}
.COMPLETED{background:#1a7f3733;color:#1a9c45}.FAILED,.EXPIRED{background:#d1242f33;color:#e5484d}
.REFUNDED,.CANCELLED{background:#bf870033;color:#b8860b}
code{word-break:break-all;color:var(--muted)}
ol{list-style:none;padding:0;margin:1.5rem 0;border-left:2px solid var(--line)}
li{padding:.4rem 0 .4rem 1rem}li b{display:block}li time,li span{color:var(--muted);font-size:.9rem;margin-right:.6rem}
</style>)";

// Everything that varies arrives as JSON and is shown as text, never as markup.
constexpr const char* script = R"(<script>
const words={created:'Created · 생성',processing:'Processing · 처리 중',completed:'Completed · 결제 완료',
failed:'Failed · 결제 실패',cancelled:'Cancelled · 취소',expired:'Expired · 만료',refunded:'Refunded · 환불',
webhook_delivered:'Webhook delivered · 웹훅 전달',webhook_attempt_failed:'Webhook attempt failed · 웹훅 실패',
webhook_dead:'Webhook dead · 웹훅 중단'};
const show=(id,text)=>{document.getElementById(id).textContent=text};
function draw(p){
  const name=p.status.replace('PAYMENT_STATUS_','');
  show('amount',new Intl.NumberFormat().format(p.amount)+' '+p.currency);
  const status=document.getElementById('status');status.textContent=name;status.className='status '+name;
  const list=document.getElementById('timeline');list.replaceChildren();
  for(const e of p.timeline){
    const item=document.createElement('li'),what=document.createElement('b'),at=document.createElement('time'),
      detail=document.createElement('span');
    what.textContent=words[e.event]||e.event;at.textContent=new Date(e.at).toLocaleTimeString();at.dateTime=e.at;
    detail.textContent=e.detail;item.append(what,at,detail);list.append(item);
  }
}
async function follow(){
  let wait=500;
  try{
    const answer=await fetch(location.pathname+'/state',{cache:'no-store'});
    if(answer.ok){const p=await answer.json();draw(p);show('note','');if(p.ended)wait=10000}
    else{show('note','The server answered '+answer.status);wait=3000}
  }catch(e){show('note','The server cannot be reached; trying again.');wait=3000}
  setTimeout(follow,wait);
}
follow();
</script>)";

http::Response page(unsigned status, const std::string& title, const std::string& body) {
    http::Response response{
        .status = status, .content_type = "text/html; charset=utf-8", .body = "", .headers = {}};
    response.body =
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
        "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>" +
        title + "</title>" + style + "</head><body>" + body + "</body></html>";
    response.headers.add("Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; script-src "
                         "'unsafe-inline'; connect-src 'self'; "
                         "base-uri 'none'; frame-ancestors 'none'; form-action 'none'");
    response.headers.add("X-Content-Type-Options", "nosniff");
    response.headers.add("Referrer-Policy", "no-referrer");
    response.headers.add("Cache-Control", "no-store");
    return response;
}

}  // namespace

http::Response payment_page(const std::optional<PaymentIntent>& intent) {
    if (!intent) {
        return page(404, "No such payment",
                    "<h1>Florin</h1><p>There is no such payment. · 결제를 찾을 수 없습니다.</p>");
    }
    return page(200, "Payment",
                "<h1>Florin · simulated payment</h1><p class=\"amount\" id=\"amount\">…</p>"
                "<p><span class=\"status\" id=\"status\">…</span></p><p><code>" +
                    wire_id(intent->id) +
                    "</code></p><ol id=\"timeline\"></ol><p id=\"note\"></p>" + script);
}

}  // namespace florin::gateway
