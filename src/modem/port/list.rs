//! The serial ports of this machine, from `/sys` and `/dev/serial`.
//!
//! Opens no port: what is on one is for the driver to ask.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

/// A serial port with hardware behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SerialPort {
    /// The path for the configuration: one that survives replugging if there is one.
    pub path: PathBuf,
    /// The device's own path, which may change when it is plugged in again.
    pub device: PathBuf,
    pub usb: Option<UsbInterface>,
}

/// What USB tells of a port. The texts are the device's own, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbInterface {
    /// The device's place on the bus: the same for all ports of one modem.
    pub place: String,
    /// Four hex digits each.
    pub vendor_id: String,
    pub product_id: String,
    pub manufacturer: Option<String>,
    pub product: Option<String>,
    /// `bInterfaceNumber`: tells the ports of one modem apart.
    pub number: Option<u8>,
    /// `bInterfaceClass`, `bInterfaceSubClass`, `bInterfaceProtocol`.
    pub class: Option<(u8, u8, u8)>,
}

/// A device on USB that is none of the ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsbDevice {
    pub vendor_id: String,
    pub product_id: String,
    pub product: Option<String>,
}

/// Chips that make a UART of a USB port: FTDI, Silicon Labs, WCH, Prolific. The line's speed counts behind them.
const BRIDGES: [&str; 4] = ["0403", "10c4", "1a86", "067b"];

impl SerialPort {
    /// Whether the speed of the line matters; to the ports of a modem on USB it does not.
    pub fn is_uart(&self) -> bool {
        self.usb.as_ref().is_none_or(|usb| BRIDGES.contains(&usb.vendor_id.as_str()))
    }
}

/// All serial ports, in the order of their device names; empty where the system tells of none.
pub fn list() -> Vec<SerialPort> {
    below(Path::new("/"))
}

/// Devices of these vendors that show no serial port.
pub fn without_port(is_wanted: impl Fn(&str) -> bool) -> Vec<UsbDevice> {
    without_port_below(Path::new("/"), is_wanted)
}

fn without_port_below(root: &Path, is_wanted: impl Fn(&str) -> bool) -> Vec<UsbDevice> {
    let with_port: Vec<String> = below(root).into_iter().filter_map(|port| Some(port.usb?.place)).collect();
    let Ok(devices) = fs::read_dir(root.join("sys/bus/usb/devices")) else { return Vec::new() };
    let mut found: Vec<UsbDevice> = devices
        .flatten()
        .filter(|device| !with_port.iter().any(|place| device.file_name() == place.as_str()))
        .filter_map(|device| {
            let attribute = |name| attribute(&device.path().join(name));
            Some(UsbDevice {
                vendor_id: attribute("idVendor").filter(|vendor| is_wanted(vendor))?,
                product_id: attribute("idProduct")?,
                product: attribute("product"),
            })
        })
        .collect();
    found.sort_by(|one, other| (&one.vendor_id, &one.product_id).cmp(&(&other.vendor_id, &other.product_id)));
    found
}

fn below(root: &Path) -> Vec<SerialPort> {
    let Ok(terminals) = fs::read_dir(root.join("sys/class/tty")) else { return Vec::new() };
    // Two modems of one make may share a by-id name; each place has a by-path name of its own.
    let mut stable = links(&root.join("dev/serial/by-path"));
    stable.extend(links(&root.join("dev/serial/by-id")));
    let mut ports: Vec<SerialPort> = terminals
        .flatten()
        .filter(|terminal| is_real(&terminal.path()))
        .map(|terminal| {
            let name = terminal.file_name();
            let device = Path::new("/dev").join(&name);
            let path = stable.get(&name).cloned().unwrap_or_else(|| device.clone());
            SerialPort { path, device, usb: usb(&terminal.path()) }
        })
        .collect();
    ports.sort_by_key(|port| in_order(port.device.as_os_str()));
    ports
}

/// Links by the name of the device that they lead to.
fn links(directory: &Path) -> BTreeMap<OsString, PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    let place = Path::new("/dev/serial").join(directory.file_name().unwrap_or_default());
    entries
        .flatten()
        .filter_map(|entry| {
            let target = fs::read_link(entry.path()).ok()?;
            Some((target.file_name()?.to_owned(), place.join(entry.file_name())))
        })
        .collect()
}

/// Virtual terminals have no device; a UART that the driver did not find has type 0.
fn is_real(terminal: &Path) -> bool {
    terminal.join("device").exists() && attribute(&terminal.join("type")).is_none_or(|kind| kind != "0")
}

/// The interface and the device that the terminal's place in the tree of devices lies below.
fn usb(terminal: &Path) -> Option<UsbInterface> {
    let place = fs::canonicalize(terminal.join("device")).ok()?;
    let hex = |path: PathBuf| u8::from_str_radix(&attribute(&path)?, 16).ok();
    let interface = place.ancestors().find(|directory| directory.join("bInterfaceNumber").exists());
    let of_interface = |name: &str| hex(interface?.join(name));
    let device = place.ancestors().find(|directory| directory.join("idVendor").exists())?;
    let class = of_interface("bInterfaceClass").zip(of_interface("bInterfaceSubClass"));
    Some(UsbInterface {
        place: device.file_name()?.to_string_lossy().into_owned(),
        vendor_id: attribute(&device.join("idVendor"))?,
        product_id: attribute(&device.join("idProduct"))?,
        manufacturer: attribute(&device.join("manufacturer")),
        product: attribute(&device.join("product")),
        number: of_interface("bInterfaceNumber"),
        class: class
            .zip(of_interface("bInterfaceProtocol"))
            .map(|((class, subclass), protocol)| (class, subclass, protocol)),
    })
}

fn attribute(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes).replace(|character: char| character.is_control(), " ");
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// `ttyUSB2` before `ttyUSB10`.
fn in_order(name: &OsStr) -> (String, u32) {
    let name = name.to_string_lossy();
    let stem = name.trim_end_matches(|character: char| character.is_ascii_digit());
    (stem.to_owned(), name[stem.len()..].parse().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn write(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    fn link(target: &str, link: &Path) {
        fs::create_dir_all(link.parent().expect("a parent")).expect("a directory");
        symlink(target, link).expect("a link");
    }

    #[test]
    fn ports_are_listed_with_their_stable_paths_and_their_makers() {
        let root = tempfile::tempdir().expect("a temporary directory");
        let sys = root.path().join("sys");
        let modem = sys.join("devices/usb1/1-1");
        write(&modem.join("idVendor"), "1e0e\n");
        write(&modem.join("idProduct"), "9001\n");
        write(&modem.join("manufacturer"), "SimTech, Incorporated\n");
        write(&modem.join("product"), "SIM\u{1b}[31m7600\n");
        for (interface, name) in [("02", "ttyUSB2"), ("03", "ttyUSB10")] {
            let place = modem.join(format!("1-1:1.{interface}"));
            write(&place.join("bInterfaceNumber"), &format!("{interface}\n"));
            for (name, value) in [("bInterfaceClass", "ff"), ("bInterfaceSubClass", "02"), ("bInterfaceProtocol", "01")]
            {
                write(&place.join(name), value);
            }
            fs::create_dir(place.join(name)).expect("a directory");
            link(
                &format!("../../../devices/usb1/1-1/1-1:1.{interface}/{name}"),
                &sys.join("class/tty").join(name).join("device"),
            );
        }
        fs::create_dir_all(sys.join("devices/serial8250")).expect("a directory");
        for (name, kind) in [("ttyS0", "4\n"), ("ttyS1", "0\n")] {
            write(&sys.join("class/tty").join(name).join("type"), kind);
            link("../../../devices/serial8250", &sys.join("class/tty").join(name).join("device"));
        }
        fs::create_dir_all(sys.join("class/tty/tty1")).expect("a directory");
        link("../../ttyUSB2", &root.path().join("dev/serial/by-id/usb-SimTech_0123456789ABCDEF-if02-port0"));
        link("../../ttyUSB2", &root.path().join("dev/serial/by-path/pci-usb-0:1:1.2-port0"));
        link("../../ttyUSB10", &root.path().join("dev/serial/by-path/pci-usb-0:1:1.3-port0"));

        let ports = below(root.path());
        let paths: Vec<_> = ports.iter().map(|port| (port.device.to_str(), port.path.to_str())).collect();
        assert_eq!(
            paths,
            [
                (Some("/dev/ttyS0"), Some("/dev/ttyS0")),
                (Some("/dev/ttyUSB2"), Some("/dev/serial/by-id/usb-SimTech_0123456789ABCDEF-if02-port0")),
                (Some("/dev/ttyUSB10"), Some("/dev/serial/by-path/pci-usb-0:1:1.3-port0")),
            ]
        );
        assert_eq!(ports[0].usb, None);
        let usb = ports[2].usb.as_ref().expect("a USB port");
        assert_eq!((usb.vendor_id.as_str(), usb.product_id.as_str(), usb.number), ("1e0e", "9001", Some(3)));
        assert_eq!(usb.manufacturer.as_deref(), Some("SimTech, Incorporated"));
        assert_eq!(usb.product.as_deref(), Some("SIM [31m7600"));
        assert_eq!((usb.place.as_str(), usb.class), ("1-1", Some((0xff, 2, 1))));
        assert_eq!(ports.iter().map(SerialPort::is_uart).collect::<Vec<_>>(), [true, false, false]);

        let hilink = sys.join("devices/usb1/1-2");
        write(&hilink.join("idVendor"), "12d1\n");
        write(&hilink.join("idProduct"), "14dc\n");
        write(&sys.join("devices/usb1/1-3/idVendor"), "046d\n");
        write(&sys.join("devices/usb1/1-3/idProduct"), "c31c\n");
        for device in ["1-1", "1-2", "1-3"] {
            link(&format!("../../../devices/usb1/{device}"), &sys.join("bus/usb/devices").join(device));
        }
        let found = without_port_below(root.path(), |vendor| ["12d1", "1e0e"].contains(&vendor));
        let expected = UsbDevice { vendor_id: "12d1".into(), product_id: "14dc".into(), product: None };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn a_machine_without_ports_has_none() {
        let root = tempfile::tempdir().expect("a temporary directory");
        assert_eq!(below(root.path()), []);
    }
}
