//! Where supervisors are compared: the folder, the programs, and the FIFOs through which programs are heard and told.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::Failure;

/// How long programs may take to be heard.
const PATIENCE: Duration = Duration::from_mins(1);

pub(super) struct Ground {
    pub(super) folder: PathBuf,
    pub(super) pinch: PathBuf,
    heard: File,
    told: File,
}

/// A program under a supervisor.
pub(super) struct Program {
    pub(super) name: String,
    then: String,
}

/// A program that said that it runs.
pub(super) struct Heard {
    pub(super) process: i32,
}

impl Ground {
    pub(super) fn new(folder: &Path, pinch: PathBuf) -> Result<Self, Failure> {
        let open = |name: &str| -> Result<File, Failure> {
            let path = folder.join(name);
            mkfifo(&path, Mode::S_IRWXU)?;
            Ok(OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?)
        };
        Ok(Self { heard: open("heard")?, told: open("told")?, folder: folder.to_owned(), pinch })
    }

    /// Waits until so many programs have said that they run.
    pub(super) fn heard(&self, count: usize) -> Result<Vec<Heard>, Failure> {
        let begun = Instant::now();
        let (mut text, mut chunk) = (String::new(), [0; 4096]);
        loop {
            match (&self.heard).read(&mut chunk) {
                Ok(length) => text += std::str::from_utf8(&chunk[..length])?,
                // Waited for in the kernel: looking again and again would take the CPU from what is measured.
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    let mut heard = [PollFd::new(self.heard.as_fd(), PollFlags::POLLIN)];
                    poll(&mut heard, PollTimeout::from(1000_u16))?;
                }
                Err(error) => return Err(error.into()),
            }
            if text.matches('\n').count() >= count {
                break;
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("of {count} programs some never ran: {text}").into());
            }
        }
        let process = |line: &str| Ok(Heard { process: line.trim().parse()? });
        text.lines().map(process).collect()
    }

    /// Lets a program that prints begin.
    pub(super) fn begin(&self) -> Result<(), Failure> {
        Ok((&self.told).write_all(b"go\n")?)
    }

    /// A folder with nothing in it.
    pub(super) fn empty(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.folder.join(name);
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// A shell's command line for a program: it says that it runs, then does what it is for.
    pub(super) fn command(&self, program: &Program) -> String {
        let folder = self.folder.display();
        format!("echo $$ >{folder}/heard; {}", program.then.replace("TOLD", &format!("{folder}/told")))
    }
}

impl Program {
    pub(super) fn that_waits(number: usize) -> Self {
        Self { name: format!("p{number}"), then: "exec sleep 100000".into() }
    }

    pub(super) fn that_prints(text: &Path) -> Self {
        let then = format!("read go <TOLD; cat {}; exec sleep 100000", text.display());
        Self { name: "p0".into(), then }
    }
}
