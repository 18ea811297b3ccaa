//! Client requests of memcheck: marking memory undefined, or defined again. Outside valgrind they
//! do nothing.

const MEMCHECK: u64 = 0x4d43_0000;
const MAKE_UNDEFINED: u64 = MEMCHECK + 1;
const MAKE_DEFINED: u64 = MEMCHECK + 2;
const RUNNING_ON_VALGRIND: u64 = 0x1001;

#[inline(never)]
fn request(code: u64, start: *const u8, len: usize) -> u64 {
    let arguments = [code, start as u64, len as u64, 0, 0, 0];
    let mut result = 0_u64;
    // SAFETY: valgrind's documented no-op for amd64: four rotations that together turn rdi by
    // 128 bits, and an exchange of rbx with itself. Valgrind reads `arguments`, writes rdx.
    unsafe {
        std::arch::asm!(
            "rol rdi, 3",
            "rol rdi, 13",
            "rol rdi, 61",
            "rol rdi, 51",
            "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") result,
            options(nostack),
        );
    }
    std::hint::black_box(&mut result);
    result
}

/// Marks bytes as secret: a branch or an address that depends on them is an error. Mutable, so that
/// the compiler reads them again instead of a copy in a register.
pub fn secret(bytes: &mut [u8]) {
    request(MAKE_UNDEFINED, bytes.as_mut_ptr(), bytes.len());
    std::hint::black_box(bytes);
}

/// Marks bytes as public, so that a branch may depend on them.
pub fn public(bytes: &mut [u8]) {
    request(MAKE_DEFINED, bytes.as_ptr(), bytes.len());
    std::hint::black_box(bytes);
}

/// True if the process runs under valgrind.
pub fn is_watching() -> bool {
    request(RUNNING_ON_VALGRIND, std::ptr::null(), 0) != 0
}
