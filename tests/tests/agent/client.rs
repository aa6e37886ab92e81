//! A client of the agent that a test controls byte by byte.

/// Python code with the function `unlock(service, field, answer)`. It asks the agent to verify an answer at a screen
/// locker, and returns the exit status and the text of the agent's reply.
pub(crate) const PYTHON_CLIENT: &str = r"
import socket,struct
def frame(kind,body):
    return struct.pack('>HB',len(body)+1,kind)+body
def receive(s):
    def exactly(n):
        got=b''
        while len(got)<n:
            part=s.recv(n-len(got))
            assert part,'closed'
            got+=part
        return got
    body=exactly(struct.unpack('>H',exactly(2))[0])
    return body[0],body[1:]
def unlock(service,field,answer):
    s=socket.socket(socket.AF_UNIX)
    s.connect('/run/twinlock-agent/socket')
    words=b''.join(struct.pack('>H',len(w.encode()))+w.encode() for w in ['',service,field])
    s.sendall(b'TWINLCK\x01'+frame(1,bytes([9,0])+words))
    kind,body=receive(s)
    if kind==4:
        s.sendall(frame(2,answer.encode()))
        kind,body=receive(s)
    assert kind==7,kind
    return body[0],body[1:].decode()
";
