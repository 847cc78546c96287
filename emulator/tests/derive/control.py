"""9.7.12, 9.7.13, 10: branches, calls, barriers, special registers."""

from files import *
from formats import *


def control():
    values = U32[1:]

    def collatz(n):
        steps = 0
        while n != 1 and steps < 50:
            n = (3 * n + 1 if n & 1 else n >> 1) & 0xFFFFFFFF
            steps += 1
        return n, steps

    emit("control", "divergent_loop", "9.7.12 bra", [("u32", values)],
         [("u32", [collatz(v)[0] for v in values]), ("u32", [collatz(v)[1] for v in values])],
         """mov.u32 %d0, %a0;
            mov.u32 %d1, 0;
            LOOP:
            setp.eq.u32 %q, %d0, 1;
            @%q bra DONE;
            setp.ge.u32 %q, %d1, 50;
            @%q bra DONE;
            add.u32 %d1, %d1, 1;
            and.b32 %u, %d0, 1;
            setp.ne.u32 %q, %u, 0;
            @%q bra ODD;
            shr.u32 %d0, %d0, 1;
            bra.uni LOOP;
            ODD:
            mad.lo.u32 %d0, %d0, 3, 1;
            bra LOOP;
            DONE:""".replace("bra.uni LOOP", "bra LOOP"), ".reg .pred %q;\n.reg .b32 %u;")
    emit("control", "predicated_not", "9.3 predicated execution", [("u32", U32)],
         [("u32", [v + 1 & 0xFFFFFFFF if v & 1 else v ^ 0xFF for v in U32])],
         """and.b32 %u, %a0, 1;
            setp.ne.u32 %q, %u, 0;
            mov.u32 %d0, %a0;
            @%q add.u32 %d0, %d0, 1;
            @!%q xor.b32 %d0, %d0, 255;""", ".reg .pred %q;\n.reg .b32 %u;")
    cases = [k % 6 for k in range(16)]
    answers = {0: 100, 1: 201, 2: 302, 3: 201, 4: 504}
    emit("control", "brx_idx", "9.7.12 brx.idx", [("u32", cases)], [("u32", [answers.get(k, 7) for k in cases])],
         """mov.u32 %d0, 7;
            setp.gt.u32 %q, %a0, 4;
            @%q bra DONE;
            TARGETS: .branchtargets L0, L1, L2, L1, L4;
            brx.idx %a0, TARGETS;
            L0:
            mov.u32 %d0, 100;
            bra DONE;
            L1:
            mov.u32 %d0, 201;
            bra DONE;
            L2:
            mov.u32 %d0, 302;
            bra DONE;
            L4:
            mov.u32 %d0, 504;
            DONE:""", ".reg .pred %q;")
    square = """.func (.param .b32 r) twice_plus(.param .b32 x, .param .b32 y)
{
    .reg .b32 %x, %y;
    ld.param.b32 %x, [x];
    ld.param.b32 %y, [y];
    mad.lo.u32 %x, %x, 2, %y;
    st.param.b32 [r], %x;
    ret;
}"""
    emit("control", "call", "9.7.12 call", [("u32", U32)], [("u32", [2 * v + 5 & 0xFFFFFFFF for v in U32])],
         """{
            .param .b32 p0;
            .param .b32 p1;
            .param .b32 r0;
            st.param.b32 [p0], %a0;
            st.param.b32 [p1], 5;
            call.uni (r0), twice_plus, (p0, p1);
            ld.param.b32 %d0, [r0];
            }""", before=square)
    fib = """.func (.param .b32 r) fibonacci(.param .b32 n)
{
    .reg .b32 %n, %a, %b;
    .reg .pred %q;
    ld.param.b32 %n, [n];
    setp.lt.u32 %q, %n, 2;
    @%q bra BASE;
    {
    .param .b32 p;
    .param .b32 s;
    sub.u32 %a, %n, 1;
    st.param.b32 [p], %a;
    call (s), fibonacci, (p);
    ld.param.b32 %a, [s];
    }
    {
    .param .b32 p;
    .param .b32 s;
    sub.u32 %b, %n, 2;
    st.param.b32 [p], %b;
    call (s), fibonacci, (p);
    ld.param.b32 %b, [s];
    }
    add.u32 %n, %a, %b;
BASE:
    st.param.b32 [r], %n;
    ret;
}"""
    numbers = list(range(12))
    known = [0, 1]
    while len(known) < 12:
        known.append(known[-1] + known[-2])
    emit("control", "recursion", "9.7.12 call", [("u32", numbers)], [("u32", known)],
         """{
            .param .b32 p0;
            .param .b32 r0;
            st.param.b32 [p0], %a0;
            call (r0), fibonacci, (p0);
            ld.param.b32 %d0, [r0];
            }""", before=fib)
    two = square + """
.func (.param .b32 r) difference(.param .b32 x, .param .b32 y)
{
    .reg .b32 %x, %y;
    ld.param.b32 %x, [x];
    ld.param.b32 %y, [y];
    sub.u32 %x, %x, %y;
    st.param.b32 [r], %x;
    ret;
}"""
    emit("control", "indirect_call", "9.7.12 call", [("u32", U32)],
         [("u32", [(2 * v + 5 if k % 2 else v - 5) & 0xFFFFFFFF for k, v in enumerate(U32)])],
         """mov.u64 %f, twice_plus;
            mov.u64 %g, difference;
            and.b32 %u, %t, 1;
            setp.ne.u32 %q, %u, 0;
            selp.b64 %f, %f, %g, %q;
            {
            .param .b32 p0;
            .param .b32 p1;
            .param .b32 r0;
            PROTO: .callprototype (.param .b32 _) _ (.param .b32 _, .param .b32 _);
            st.param.b32 [p0], %a0;
            st.param.b32 [p1], 5;
            call (r0), %f, (p0, p1), PROTO;
            ld.param.b32 %d0, [r0];
            }""", ".reg .b64 %f, %g;\n.reg .b32 %u;\n.reg .pred %q;", before=two)
    emit("control", "early_exit", "9.7.12 exit", [("u32", U32)],
         [("u32", [v if k % 3 else 0xA5A5A5A5 for k, v in enumerate(U32)])],
         """rem.u32 %u, %t, 3;
            setp.eq.u32 %q, %u, 0;
            @%q exit;
            mov.u32 %d0, %a0;""", ".reg .b32 %u;\n.reg .pred %q;")
    lanes = list(range(64))
    lane = lambda k: k & 31
    registers = [("tid.x", lambda k: k), ("laneid", lane), ("ntid.x", lambda k: 64), ("ctaid.x", lambda k: 0),
                 ("nctaid.x", lambda k: 1), ("tid.y", lambda k: 0), ("lanemask_eq", lambda k: 1 << lane(k)),
                 ("lanemask_lt", lambda k: (1 << lane(k)) - 1), ("lanemask_le", lambda k: (2 << lane(k)) - 1),
                 ("lanemask_gt", lambda k: 0xFFFFFFFF & ~((2 << lane(k)) - 1)),
                 ("lanemask_ge", lambda k: 0xFFFFFFFF & ~((1 << lane(k)) - 1))]
    emit("control", "special_registers", "10 special registers", [("u32", lanes)],
         [("u32", [f(k) for k in lanes]) for _, f in registers],
         "\n".join(f"mov.u32 %d{k}, %{n};" for k, (n, _) in enumerate(registers)))
    flags = [int(k % 5 == 0) for k in range(96)]
    emit("control", "bar_red", "9.7.13.1 bar", [("u32", flags)],
         [("u32", [sum(flags)] * 96), ("u32", [0] * 96), ("u32", [1] * 96)],
         """setp.ne.u32 %q, %a0, 0;
            bar.red.popc.u32 %d0, 0, %q;
            bar.red.and.pred %r, 0, %q;
            selp.u32 %d1, 1, 0, %r;
            bar.red.or.pred %r, 0, %q;
            selp.u32 %d2, 1, 0, %r;""", ".reg .pred %q, %r;")
    # A producer warp arrives, a consumer warp waits, and the answer comes back over a second barrier.
    emit("control", "bar_arrive_named", "9.7.13.1 bar", [("u32", lanes)],
         [("u32", [k if k < 32 else 3 * (k - 32) + 1 for k in lanes])],
         """mov.u32 %s, room;
            setp.ge.u32 %q, %t, 32;
            @%q bra CONSUME;
            mad.lo.u32 %u, %a0, 3, 1;
            mad.lo.u32 %s, %t, 4, %s;
            st.shared.u32 [%s], %u;
            bar.arrive 1, 64;
            mov.u32 %d0, %a0;
            bra DONE;
            CONSUME:
            bar.sync 1, 64;
            sub.u32 %u, %t, 32;
            mad.lo.u32 %s, %u, 4, %s;
            ld.shared.u32 %d0, [%s];
            DONE:""", ".shared .align 4 .b8 room[128];\n.reg .b32 %s, %u;\n.reg .pred %q;")
