//! Reading events and writing answers in the memory layout of the canonical ABI.
//!
//! The functions that wit-bindgen makes for these types are 130 KiB, because it writes every type
//! out wherever it is used. Here each type has one function, derived by
//! `parlor_sdk_macros::Canonical` from the structs that wit-bindgen makes.

use std::alloc;
use std::any::Any;
use std::cell::RefCell;

use crate::content::TextStyle;

/// How a type lies in memory.
#[derive(Clone, Copy)]
pub struct Layout {
    /// Bytes.
    pub size: usize,
    /// A power of two.
    pub align: usize,
    /// Where the payload of a variant begins.
    pub payload: usize,
}

impl Layout {
    const fn scalar(size: usize) -> Self {
        Self {
            size,
            align: size,
            payload: 0,
        }
    }

    /// Lays fields out one after the other.
    pub const fn record(fields: &[Layout]) -> Self {
        let (mut size, mut align, mut index) = (0, 1, 0);
        while index < fields.len() {
            let field = fields[index];
            size = up(size, field.align) + field.size;
            align = if field.align > align {
                field.align
            } else {
                align
            };
            index += 1;
        }
        Self {
            size: up(size, align),
            align,
            payload: 0,
        }
    }

    /// Lays a case's number and the largest payload out.
    pub const fn variant(payloads: &[Layout]) -> Self {
        let (mut size, mut align, mut index) = (0, 1, 0);
        while index < payloads.len() {
            let payload = payloads[index];
            size = if payload.size > size {
                payload.size
            } else {
                size
            };
            align = if payload.align > align {
                payload.align
            } else {
                align
            };
            index += 1;
        }
        let payload = up(1, align);
        Self {
            size: up(payload + size, align),
            align,
            payload,
        }
    }
}

const fn up(at: usize, align: usize) -> usize {
    (at + align - 1) & !(align - 1)
}

/// Buffers that live until the host has copied an answer out.
#[derive(Default)]
pub struct Arena(Vec<Vec<u64>>);

impl Arena {
    // No type of the contract is aligned to more than 8 bytes, so words of 8 serve for all.
    fn buffer(&mut self, bytes: usize) -> *mut u8 {
        let mut buffer = Vec::<u64>::with_capacity(bytes.div_ceil(8));
        let at = buffer.as_mut_ptr().cast();
        self.0.push(buffer);
        at
    }
}

/// A type of the contract, in the host's layout.
pub trait Canonical: Sized {
    /// How it lies in memory.
    const LAYOUT: Layout;

    /// Reads a value and takes its buffers over.
    ///
    /// # Safety
    /// The host wrote a value of this type at `at`, and nobody else reads it.
    unsafe fn lift(at: *mut u8) -> Self;

    /// Writes a value; its texts and bytes are lent, not copied.
    ///
    /// # Safety
    /// There is room for a value of this type at `at`; `self` and `arena` outlive the reading.
    unsafe fn lower(&self, at: *mut u8, arena: &mut Arena);

    /// Reads a list and takes its buffer over.
    ///
    /// # Safety
    /// As [`Canonical::lift`], for `count` values.
    unsafe fn lift_list(at: *mut u8, count: usize) -> Vec<Self> {
        unsafe fn lift_to<T: Canonical>(at: *mut u8, to: *mut u8) {
            // SAFETY: the caller's; `to` has room for a `T`.
            unsafe { to.cast::<T>().write(T::lift(at)) }
        }
        let size = size_of::<Self>();
        // SAFETY: the host wrote `count` values; the vector's own layout is the buffer's.
        unsafe {
            let to = lift_all(
                at,
                count,
                Self::LAYOUT,
                (size, align_of::<Self>()),
                lift_to::<Self>,
            );
            Vec::from_raw_parts(to.cast(), count, count)
        }
    }

    /// Writes a list and gives the address.
    fn lower_list(list: &[Self], arena: &mut Arena) -> *const u8 {
        unsafe fn lower_from<T: Canonical>(from: *const u8, at: *mut u8, arena: &mut Arena) {
            // SAFETY: the caller's; a `T` lies at `from`.
            unsafe { (*from.cast::<T>()).lower(at, arena) }
        }
        let from = list.as_ptr().cast();
        // SAFETY: the values lie one after the other, each of `size_of` bytes.
        unsafe {
            lower_all(
                from,
                list.len(),
                Self::LAYOUT,
                size_of::<Self>(),
                lower_from::<Self>,
                arena,
            )
        }
    }
}

// One loop for the lists of all types: `collect` would be 400 bytes for each of 40.
unsafe fn lift_all(
    at: *mut u8,
    count: usize,
    wire: Layout,
    (size, align): (usize, usize),
    lift: unsafe fn(*mut u8, *mut u8),
) -> *mut u8 {
    if count == 0 {
        return std::ptr::without_provenance_mut(align);
    }
    // SAFETY: the host wrote `count` values of the wire layout, made with `cabi_realloc`; the new
    // buffer has room for as many of the Rust one. A count that overflowed could not be in memory.
    unsafe {
        let layout = alloc::Layout::from_size_align_unchecked(size * count, align);
        let list = alloc::alloc(layout);
        if list.is_null() {
            alloc::handle_alloc_error(layout);
        }
        for index in 0..count {
            lift(at.add(index * wire.size), list.add(index * size));
        }
        free(at, count * wire.size, wire.align);
        list
    }
}

unsafe fn lower_all(
    from: *const u8,
    count: usize,
    wire: Layout,
    size: usize,
    lower: unsafe fn(*const u8, *mut u8, &mut Arena),
    arena: &mut Arena,
) -> *const u8 {
    let at = arena.buffer(count * wire.size);
    for index in 0..count {
        // SAFETY: the buffer has room for all.
        unsafe { lower(from.add(index * size), at.add(index * wire.size), arena) };
    }
    at
}

/// A place that moves over the fields of a record.
pub struct Place(*mut u8, usize);

impl Place {
    /// Begins at an address.
    pub fn new(at: *mut u8) -> Self {
        Self(at, 0)
    }

    /// Reads the next field.
    ///
    /// # Safety
    /// As [`Canonical::lift`].
    #[inline]
    pub unsafe fn read<T: Canonical>(&mut self) -> T {
        // SAFETY: the caller's.
        unsafe { T::lift(self.next(T::LAYOUT)) }
    }

    /// Writes the next field.
    ///
    /// # Safety
    /// As [`Canonical::lower`].
    #[inline]
    pub unsafe fn write<T: Canonical>(&mut self, value: &T, arena: &mut Arena) {
        // SAFETY: the caller's.
        unsafe { value.lower(self.next(T::LAYOUT), arena) }
    }

    #[inline]
    fn next(&mut self, layout: Layout) -> *mut u8 {
        let at = up(self.1, layout.align);
        self.1 = at + layout.size;
        self.0.wrapping_add(at)
    }
}

/// Gives a buffer of the host's back.
///
/// # Safety
/// It was allocated with this size and alignment, or has no bytes.
unsafe fn free(at: *mut u8, bytes: usize, align: usize) {
    if bytes > 0 {
        // SAFETY: the caller's; `cabi_realloc` allocates with this very layout.
        unsafe { alloc::dealloc(at, alloc::Layout::from_size_align_unchecked(bytes, align)) }
    }
}

macro_rules! scalars {
    ($($scalar:ty),*) => {$(
        impl Canonical for $scalar {
            const LAYOUT: Layout = Layout::scalar(size_of::<$scalar>());

            unsafe fn lift(at: *mut u8) -> Self {
                // SAFETY: the caller's; the layout aligns it.
                unsafe { at.cast::<$scalar>().read() }
            }

            unsafe fn lower(&self, at: *mut u8, _: &mut Arena) {
                // SAFETY: the caller's; the layout aligns it.
                unsafe { at.cast::<$scalar>().write(*self) }
            }
        }
    )*};
}

scalars!(u16, u32, u64, i64, f64, usize);

impl Canonical for u8 {
    const LAYOUT: Layout = Layout::scalar(1);

    unsafe fn lift(at: *mut u8) -> Self {
        // SAFETY: the caller's.
        unsafe { at.read() }
    }

    unsafe fn lower(&self, at: *mut u8, _: &mut Arena) {
        // SAFETY: the caller's.
        unsafe { at.write(*self) }
    }

    unsafe fn lift_list(at: *mut u8, count: usize) -> Vec<Self> {
        if count == 0 {
            return Vec::new();
        }
        // SAFETY: `cabi_realloc` made it with the global allocator, `count` bytes, alignment 1.
        unsafe { Vec::from_raw_parts(at, count, count) }
    }

    fn lower_list(list: &[Self], _: &mut Arena) -> *const u8 {
        list.as_ptr()
    }
}

impl Canonical for bool {
    const LAYOUT: Layout = Layout::scalar(1);

    unsafe fn lift(at: *mut u8) -> Self {
        // SAFETY: the caller's.
        unsafe { at.read() != 0 }
    }

    unsafe fn lower(&self, at: *mut u8, _: &mut Arena) {
        // SAFETY: the caller's.
        unsafe { at.write(u8::from(*self)) }
    }
}

impl Canonical for TextStyle {
    const LAYOUT: Layout = Layout::scalar(1);

    unsafe fn lift(at: *mut u8) -> Self {
        // SAFETY: the caller's.
        Self::from_bits_retain(unsafe { at.read() })
    }

    unsafe fn lower(&self, at: *mut u8, _: &mut Arena) {
        // SAFETY: the caller's.
        unsafe { at.write(self.bits()) }
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    const LAYOUT: Layout = Layout::record(&[usize::LAYOUT, usize::LAYOUT]);

    #[inline(never)]
    unsafe fn lift(at: *mut u8) -> Self {
        // SAFETY: an address and a count lie here.
        unsafe {
            let at = at.cast::<usize>();
            T::lift_list(at.read() as *mut u8, at.add(1).read())
        }
    }

    #[inline(never)]
    unsafe fn lower(&self, at: *mut u8, arena: &mut Arena) {
        // SAFETY: there is room for an address and a count.
        unsafe {
            let at = at.cast::<usize>();
            at.write(T::lower_list(self, arena) as usize);
            at.add(1).write(self.len());
        }
    }
}

impl Canonical for String {
    const LAYOUT: Layout = <Vec<u8>>::LAYOUT;

    unsafe fn lift(at: *mut u8) -> Self {
        // SAFETY: the host hands over UTF-8 only.
        unsafe { String::from_utf8_unchecked(Vec::lift(at)) }
    }

    #[inline(never)]
    unsafe fn lower(&self, at: *mut u8, _: &mut Arena) {
        // SAFETY: there is room for an address and a count.
        unsafe {
            let at = at.cast::<usize>();
            at.write(self.as_ptr() as usize);
            at.add(1).write(self.len());
        }
    }
}

impl<T: Canonical> Canonical for Option<T> {
    const LAYOUT: Layout = Layout::variant(&[T::LAYOUT]);

    #[inline(never)]
    unsafe fn lift(at: *mut u8) -> Self {
        // SAFETY: a number lies here, and a payload where it is 1.
        unsafe { (at.read() != 0).then(|| T::lift(at.add(Self::LAYOUT.payload))) }
    }

    #[inline(never)]
    unsafe fn lower(&self, at: *mut u8, arena: &mut Arena) {
        // SAFETY: there is room for a number and a payload.
        unsafe {
            at.write(u8::from(self.is_some()));
            if let Some(value) = self {
                value.lower(at.add(Self::LAYOUT.payload), arena);
            }
        }
    }
}

impl<T: Canonical, E: Canonical> Canonical for Result<T, E> {
    const LAYOUT: Layout = Layout::variant(&[T::LAYOUT, E::LAYOUT]);

    unsafe fn lift(at: *mut u8) -> Self {
        // SAFETY: a number lies here, and a payload.
        unsafe {
            let payload = at.add(Self::LAYOUT.payload);
            if at.read() == 0 {
                Ok(T::lift(payload))
            } else {
                Err(E::lift(payload))
            }
        }
    }

    unsafe fn lower(&self, at: *mut u8, arena: &mut Arena) {
        // SAFETY: there is room for a number and a payload.
        unsafe {
            at.write(u8::from(self.is_err()));
            let payload = at.add(Self::LAYOUT.payload);
            match self {
                Ok(value) => value.lower(payload, arena),
                Err(error) => error.lower(payload, arena),
            }
        }
    }
}

impl<A: Canonical, B: Canonical> Canonical for (A, B) {
    const LAYOUT: Layout = Layout::record(&[A::LAYOUT, B::LAYOUT]);

    unsafe fn lift(at: *mut u8) -> Self {
        let mut place = Place::new(at);
        // SAFETY: the caller's.
        unsafe { (place.read(), place.read()) }
    }

    unsafe fn lower(&self, at: *mut u8, arena: &mut Arena) {
        let mut place = Place::new(at);
        // SAFETY: the caller's.
        unsafe {
            place.write(&self.0, arena);
            place.write(&self.1, arena);
        }
    }
}

/// Reads the one parameter of a call that is passed by address.
///
/// # Safety
/// As [`Canonical::lift`]; the host made the place with `cabi_realloc`.
pub unsafe fn parameter<T: Canonical>(at: *mut u8) -> T {
    // SAFETY: the caller's.
    unsafe {
        let value = T::lift(at);
        free(at, T::LAYOUT.size, T::LAYOUT.align);
        value
    }
}

thread_local! {
    // The answer that the host is copying out, and its buffers.
    static KEPT: RefCell<Option<(Box<dyn Any>, Arena)>> = const { RefCell::new(None) };
}

/// Writes an answer, keeps it until the host has copied it, and gives its address.
pub fn keep<T: Canonical + 'static>(value: T) -> *const u8 {
    let value = Box::new(value);
    let mut arena = Arena::default();
    let area = arena.buffer(T::LAYOUT.size);
    // SAFETY: the area has room; the value and its texts stay where they are when kept.
    unsafe { value.lower(area, &mut arena) };
    KEPT.set(Some((value, arena)));
    area
}

/// Drops the answer that was kept.
pub fn release() {
    KEPT.set(None);
}
