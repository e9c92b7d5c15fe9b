const reply = pm.response.json();
const cmd = pm.environment.get("cmd");
const request_id = pm.environment.get("request_id");
if (pm.environment.get("verified_request_id") === request_id) {
    pm.test("404 Not Found: the verification has ended", () => {
        pm.response.to.have.status(404);
        pm.expect(reply.status).to.equal("6");
    });
} else if (pm.response.code === 412) {
    pm.test("412 Precondition Failed: too early or too late to cancel, or no event is left", () => {
        pm.expect(reply.status).to.equal("19");
        pm.expect(reply.error_text).to.include(request_id);
    });
} else {
    pm.test("202 Accepted: the command is obeyed", () => {
        pm.response.to.have.status(202);
        pm.expect(reply).to.eql({request_id: request_id, status: "0", command: cmd});
    });
}
